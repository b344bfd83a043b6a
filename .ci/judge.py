#!/usr/bin/env python3
"""Judges the rows of a containment measurement against thresholds. Exits 1 where one is missed."""

import argparse
import json
import pathlib
import sys


def share(rows, verdict):
    """How many rows have the verdict, of how many, as a percentage."""
    count = sum(row["verdict"] == verdict for row in rows)
    return count, len(rows), 100.0 * count / len(rows) if rows else 100.0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", type=pathlib.Path)
    parser.add_argument("--leaks", type=float, required=True, help="least percentage of captured leaks contained")
    parser.add_argument("--wholly", required=True, help="beginnings of folder names in which every leak is contained")
    parser.add_argument("--healthy", type=int, required=True, help="most healthy responses altered")
    parser.add_argument("--secrets", type=float, required=True, help="least percentage of labelled secrets contained")
    parser.add_argument("--lookalikes", type=int, required=True, help="most lookalikes of secrets altered")
    asked = parser.parse_args()

    rows = [json.loads(line) for line in asked.rows.read_text().splitlines()]
    secrets = [row for row in rows if row["kind"].startswith("secret:")]
    lookalikes = [row for row in rows if row["kind"] == "secret-benign"]
    healthy = [row for row in rows if row["kind"] == "benign"]
    others = {"benign", "secret-benign", "no-canary", "static"}
    leaks = [row for row in rows if row["kind"] not in others and row not in secrets]
    named = [row for row in leaks if row["where"].startswith(tuple(asked.wholly.split(",")))]

    missed = [f"error at {row['where']}: {row['why']}" for row in rows if row["verdict"] == "error"]
    for name, group, least in [("leaks", leaks, asked.leaks), ("frameworks named", named, 100.0), ("secrets", secrets, asked.secrets)]:
        count, total, percentage = share(group, "contained")
        print(f"{name}: {count} of {total} contained ({percentage:.1f} %, at least {least:g} %)")
        if not group or percentage < least:
            missed.append(f"{name}: {percentage:.1f} % contained, {least:g} % asked")
    missed += [f"leaked: {row['where']} {row['why']}" for row in named if row["verdict"] == "leaked"]
    for name, group, most in [("healthy responses", healthy, asked.healthy), ("lookalikes", lookalikes, asked.lookalikes)]:
        altered = [row for row in group if row["verdict"] == "altered"]
        print(f"{name}: {len(altered)} of {len(group)} altered (at most {most})")
        if not group or len(altered) > most:
            missed.append(f"{name}: {len(altered)} altered, {most} allowed")
            missed += [f"altered: {row['where']} {row['why']}" for row in altered[:20]]
    for line in missed:
        print(" ".join(line.split())[:200], file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
