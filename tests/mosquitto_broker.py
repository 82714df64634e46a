"""A real MQTT broker for tests: mosquitto on a port of the loopback, and a listener that writes down what it hears."""

from __future__ import annotations

import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from tests.free_port import free_port
from tests.webhook_receiver import wait_for_port


class Broker:
    """mosquitto as a process of its own, that may go away and come back at the same address with what it had."""

    def __init__(self, folder: Path, *lines: str, port: int | None = None) -> None:
        found = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
        if found is None:
            pytest.skip("no MQTT broker on this machine: install the package mosquitto")
        self._program = found
        self.port = port or free_port()
        self._config = folder / "mosquitto.conf"
        own = [f"listener {self.port} 127.0.0.1", "persistence true", f"persistence_location {folder}/"]
        if not any(line.startswith("allow_anonymous") for line in lines):
            own.append("allow_anonymous true")
        self._config.write_text("\n".join([*own, "user root", *lines]) + "\n")
        self._log = folder / "mosquitto.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as log:
            command = [self._program, "-c", str(self._config)]
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        wait_for_port(self.port)

    def pause(self) -> None:
        """Hang: the connections stay, nothing is answered."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(20)
            self._process = None


@contextmanager
def broker(folder: Path, *lines: str) -> Iterator[Broker]:
    server = Broker(folder, *lines)
    server.start()
    try:
        yield server
    finally:
        server.stop()


class Listener:
    """Hears everything, and goes on after the broker was away."""

    def __init__(self, port: int, name: str = "") -> None:
        self.heard: list[tuple[str, bytes, bool]] = []
        self._subscribed = threading.Event()
        self._client = Client(CallbackAPIVersion.VERSION2, client_id=name, clean_session=not name)
        self._client.on_message = self._on_message
        self._client.on_connect = lambda client, *_: client.subscribe("#", 1)
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.reconnect_delay_set(1, 1)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        assert self._subscribed.wait(20)

    def _on_message(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        self.heard.append((message.topic, message.payload, message.retain))

    def of(self, ending: str) -> list[bytes]:
        return [payload for topic, payload, _ in self.heard if topic.endswith(ending)]

    def until(self, ending: str, count: int = 1) -> list[bytes]:
        end = time.monotonic() + 20
        while len(self.of(ending)) < count:
            assert time.monotonic() < end, self.heard
            time.sleep(0.01)
        return self.of(ending)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@contextmanager
def listener(port: int, name: str = "") -> Iterator[Listener]:
    hears = Listener(port, name)
    try:
        yield hears
    finally:
        hears.close()
