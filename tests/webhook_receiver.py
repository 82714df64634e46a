"""`python -m tests.webhook_receiver PORT FOLDER`: a real HTTP server that writes down what it is sent.

Every request is a line of JSON in FOLDER/received.jsonl, on the disk before it is answered. FOLDER/answer.json says how
to answer: {"status": 200, "headers": {}, "delay_s": 0}; it is read anew for every request.
"""

from __future__ import annotations

import base64
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.free_port import free_port


class Receiver(BaseHTTPRequestHandler):
    folder: Path

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        try:
            answer = json.loads((self.folder / "answer.json").read_text())
        except FileNotFoundError:
            answer = {}
        if answer.get("most_bytes") is not None and len(body) > answer["most_bytes"]:
            answer = {"status": 413}
        status = answer.get("status", 200)
        line = {
            "path": self.path,
            "headers": dict(self.headers),
            "body": base64.b64encode(body).decode(),
            "status": status,
            "at": time.time(),
        }
        with (self.folder / "received.jsonl").open("a") as file:
            file.write(json.dumps(line) + "\n")
            file.flush()
            os.fsync(file.fileno())
        time.sleep(answer.get("delay_s", 0))
        self.send_response(status)
        for name, value in answer.get("headers", {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: object) -> None: ...


class WebhookServer:
    """The receiver as a process of its own, that may go away and come back at the same address."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/hook"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "tests.webhook_receiver", str(self.port), str(self.folder)]
        self._process = subprocess.Popen(command, cwd=Path(__file__).parent.parent)
        wait_for_port(self.port)

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def answers(self, **how: object) -> None:
        partial = self.folder / "answer.part"
        partial.write_text(json.dumps(how))
        partial.replace(self.folder / "answer.json")

    @property
    def requests(self) -> list[dict[str, Any]]:
        """All that came, taken or not."""
        try:
            text = (self.folder / "received.jsonl").read_text()
        except FileNotFoundError:
            return []
        return [json.loads(line) for line in text.splitlines()]

    @property
    def taken(self) -> list[dict[str, Any]]:
        """Bodies of those that were answered with 200."""
        return [json.loads(base64.b64decode(one["body"])) for one in self.requests if one["status"] == 200]


@contextmanager
def webhook_server(folder: Path) -> Iterator[WebhookServer]:
    server = WebhookServer(folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def wait_for_port(port: int) -> None:
    end = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            assert time.monotonic() < end, f"nothing listens on port {port}"
            time.sleep(0.02)
        else:
            return


if __name__ == "__main__":
    Receiver.folder = Path(sys.argv[2])
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver).serve_forever()
