"""ZeroMQ endpoints that a station may name: a Unix socket, or TCP; and which of them leave the machine."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path

IPC_PREFIX = "ipc://"
IPC_PATH_LIMIT_BYTES = 107
"""Longest path of a Unix socket on Linux (sun_path holds 108 bytes, one of them the closing zero)."""
_HIGHEST_PORT = 65_535
_TCP = re.compile(r"tcp://(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9*][A-Za-z0-9_.-]*):(?P<port>[0-9]{1,5})")


def check_endpoint(endpoint: str) -> str:
    """The endpoint, if it can be used. Raises ValueError with the reason and the remedy."""
    if endpoint.startswith("tcp:"):
        found = _TCP.fullmatch(endpoint)
        if found is None or not 0 < int(found["port"]) <= _HIGHEST_PORT:
            raise ValueError(
                f"the endpoint {endpoint!r} is no TCP address: write tcp://HOST:PORT with a port from 1 to "
                f"{_HIGHEST_PORT}, such as tcp://192.168.7.2:5570"
            )
        return endpoint
    if not endpoint.startswith(IPC_PREFIX + "/") or not Path(endpoint.removeprefix(IPC_PREFIX)).name:
        raise ValueError(
            f"the endpoint {endpoint!r} is no absolute ipc address and no TCP address: write ipc:// and an absolute "
            "path, such as ipc:///run/crystal-monitor/frames.ipc, or tcp://HOST:PORT with keys"
        )
    if endpoint.endswith("/"):
        raise ValueError(folder_told(endpoint))
    length = len(endpoint.removeprefix(IPC_PREFIX).encode())
    if length > IPC_PATH_LIMIT_BYTES:
        raise ValueError(
            f"the endpoint's path {endpoint!r} is {length} bytes long, a socket's may have "
            f"{IPC_PATH_LIMIT_BYTES}: choose a shorter folder"
        )
    return endpoint


def folder_told(endpoint: str) -> str:
    """What is wrong with an ipc address that ends with a slash."""
    return f"the endpoint {endpoint!r} names a folder: write a socket's name behind it, such as {endpoint}station.ipc"


def leaves_the_machine(endpoint: str) -> bool:
    """Whether others than this machine's own users may reach a usable endpoint; a name counts as outside."""
    found = _TCP.fullmatch(endpoint)
    if found is None:
        return False
    host = found["host"].strip("[]")
    if host == "localhost":
        return False
    try:
        return not ipaddress.ip_address(host).is_loopback
    except ValueError:
        return True


def socket_path(endpoint: str) -> Path | None:
    """The Unix socket's path; None for TCP."""
    return Path(endpoint.removeprefix(IPC_PREFIX)) if endpoint.startswith(IPC_PREFIX) else None
