#!/usr/bin/env python3
"""Judges a run of harmless deliveries: exits 1 if one other than those allowed did not arrive."""

import json
import pathlib
import sys


def main():
    rows = json.loads(pathlib.Path(sys.argv[1]).read_text())
    allowed = set(sys.argv[2].split(","))
    broken = [row["name"] for row in rows if row["verdict"] in ("BROKEN", "error")]
    print(f"harmless deliveries: {len(rows)}, broken: {', '.join(broken) or 'none'} (allowed: {', '.join(sorted(allowed))})")
    return 1 if not rows or set(broken) - allowed else 0


if __name__ == "__main__":
    sys.exit(main())
