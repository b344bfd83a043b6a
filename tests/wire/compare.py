#!/usr/bin/env python3
"""Sends the requests of requests.toml to cofferdam, nginx and HAProxy and writes their answers to requests.md.

    cargo build && tests/wire/compare.py

Needs nginx and haproxy of Debian. All three run with their defaults in front of the same recording application.
"""

import contextlib
import datetime
import pathlib
import re
import socket
import subprocess
import tempfile
import threading
import time
import tomllib

HERE = pathlib.Path(__file__).parent
COFFERDAM = HERE.parent.parent / "target/debug/cofferdam"
CHUNKED = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
# A server that says nothing for so long waits for more.
SILENCE = 0.4

INTRODUCTION = """\
# What malformed and odd requests are answered

Written by `tests/wire/compare.py` on {date} from `requests.toml`; `requests.rs` holds cofferdam to its column.
{versions}. All with their defaults, in front of the same recording application.

200 is the application's answer, everything else the proxy's own. *closed*: the connection is closed without an answer;
*waits*: there is none yet, the proxy waits for more. *n forwarded*: the application saw n requests where n is not the
number of 200s. *forwards `x`*: what the application should not see reached it. A stray request behind another is
*smuggled* where the application takes it for one.
"""


class Recorder:
    """An application that answers 200 and keeps what it was asked."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.seen = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            threading.Thread(target=self.serve, args=(self.listener.accept()[0],), daemon=True).start()

    def serve(self, connection):
        with connection, contextlib.suppress(OSError, ValueError, OverflowError), connection.makefile("rb") as stream:
            while request := read_request(stream):
                self.seen.append(request)
                body = b"" if request.startswith("HEAD ") else b"ok"
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n" + body)

    def take(self):
        seen, self.seen = self.seen, []
        return seen


def read_request(stream):
    """A whole request as text, or None where the connection ends."""
    head = []
    while (line := stream.readline()) not in (b"\r\n", b"\n"):
        if not line:
            return None
        head.append(line)
    fields = b"".join(head[1:]).lower()
    body = b""
    if re.search(rb"^transfer-encoding:.*chunked", fields, re.MULTILINE):
        while size := int((line := stream.readline()).split(b";")[0], 16):
            body += line + stream.read(size + 2)
        while (line := stream.readline()) not in (b"\r\n", b"\n", b""):
            body += line
    elif length := re.search(rb"^content-length: *(\d+)", fields, re.MULTILINE):
        body = stream.read(int(length[1]))
        if len(body) < int(length[1]):
            return None
    return b"".join([*head, b"\r\n", body]).decode("latin-1")


def converse(port, sent, ends):
    """The statuses of the answers, and how it goes on behind them."""
    received = b""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        with contextlib.suppress(OSError):
            connection.sendall(sent)
            if ends:
                connection.shutdown(socket.SHUT_WR)
        connection.settimeout(SILENCE)
        try:
            while piece := connection.recv(65536):
                received += piece
        except TimeoutError:
            return statuses(received), "waits"
        except OSError:
            pass
    return statuses(received), "closed"


def statuses(received):
    return re.findall(r"HTTP/1\.[01] (\d{3})", received.decode("latin-1"))


def cell(row, server, recorder, chunked):
    sent = re.sub(r"\{(\d+)\}", lambda times: "a" * int(times[1]), row["sent"])
    recorder.take()
    answers, end = converse(server, ((CHUNKED if chunked else "") + sent).encode("latin-1"), row.get("ends"))
    seen = recorder.take()
    words = [" ".join(answers) or end]
    if len(seen) != answers.count("200"):
        words.append(f"{len(seen)} forwarded")
    if any("/smuggled" in request.splitlines()[0] for request in seen):
        words.append("smuggled")
    lower = "".join(seen).lower()
    words += [f"forwards `{text}`" for text in row.get("unseen", []) if text.lower() in lower]
    return ", ".join(words)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def nginx(folder, port, upstream):
    paths = "".join(f"{name}_temp_path {folder}/{name};" for name in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"])
    (folder / "nginx.conf").write_text(
        f"daemon off; pid {folder}/pid; error_log {folder}/error.log; events {{}}\n"
        f"http {{ access_log off; {paths} server {{ listen 127.0.0.1:{port};\n"
        f"location / {{ proxy_pass http://127.0.0.1:{upstream}; proxy_http_version 1.1; }} }} }}\n"
    )
    return ["nginx", "-c", folder / "nginx.conf", "-g", "master_process off;"]


def haproxy(folder, port, upstream):
    (folder / "haproxy.cfg").write_text(
        "defaults\n mode http\n timeout client 5s\n timeout server 5s\n timeout connect 1s\n"
        f"frontend front\n bind 127.0.0.1:{port}\n default_backend back\n"
        f"backend back\n server application 127.0.0.1:{upstream}\n"
    )
    return ["haproxy", "-db", "-f", folder / "haproxy.cfg"]


def cofferdam(_folder, port, upstream):
    return [COFFERDAM, "run", "--listen", f"127.0.0.1:{port}", "--upstream", f"http://127.0.0.1:{upstream}"]


@contextlib.contextmanager
def running(command, recorder):
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        arguments = command(pathlib.Path(folder), port, recorder.port)
        process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            for _ in range(200):
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                    break
                time.sleep(0.05)
            yield port
        finally:
            process.terminate()
            process.wait()


def version(command):
    said = subprocess.run(command, capture_output=True, text=True, check=True)
    return re.search(r"\d+\.\d+[^\s]*", said.stdout + said.stderr)[0]


def main():
    table = tomllib.loads((HERE / "requests.toml").read_text())
    recorder = Recorder()
    versions = ", ".join([
        f"cofferdam {version([COFFERDAM, '--version'])}",
        f"nginx {version(['nginx', '-v'])}",
        f"HAProxy {version(['haproxy', '-v'])}",
    ])
    out = [INTRODUCTION.format(date=datetime.date.today(), versions=versions)]
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(running(command, recorder)) for command in (cofferdam, nginx, haproxy)]
        for section in table["section"]:
            out.append(f"\n## {section['title']}\n\n| request | cofferdam | nginx | HAProxy |\n|---|---|---|---|\n")
            for row in section["requests"]:
                cells = [cell(row, server, recorder, section.get("chunked")) for server in servers]
                out.append(f"| {' | '.join([row['name'], *cells])} |\n")
    (HERE / "requests.md").write_text("".join(out))


if __name__ == "__main__":
    main()
