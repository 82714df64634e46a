"""A real PostgreSQL server for tests: a throw-away cluster in a temporary folder, reached by its socket."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest


def programs_folder() -> Path:
    """Where the server's programs are; skips the test where there are none."""
    found = shutil.which("initdb")
    folders = (
        [Path(found).parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    )
    for folder in folders:
        if (folder / "initdb").is_file() and (folder / "pg_ctl").is_file():
            return folder
    pytest.skip("no PostgreSQL server on this machine: install the package postgresql")


def _unprivileged() -> str | None:
    """A user to run the server as: it refuses root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            pwd.getpwnam(name)
        except KeyError:
            continue
        return name
    pytest.skip("PostgreSQL refuses to run as root, and there is no user postgres or nobody")


@dataclass(frozen=True, slots=True)
class Server:
    """A server that runs."""

    url: str
    """Without a database's name: `url.format(database=...)`."""
    folder: Path
    """Where its socket is."""
    restart: Callable[[str], None]
    """Stop it (mode `fast`: connections are cut; `immediate`: as after a crash), and start it again."""


@contextmanager
def throwaway_server() -> Iterator[str]:
    """Start a server; gives the start of its URL, without a database's name: `URL.format(database=...)`."""
    with restartable_server() as server:
        yield server.url


@contextmanager
def restartable_server() -> Iterator[Server]:
    """Start a server that a test may stop and start."""
    programs, user = programs_folder(), _unprivileged()
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir=tempfile.gettempdir()))
    if user is not None:
        shutil.chown(folder, user)

    def run(*command: str) -> None:
        subprocess.run(command, user=user, cwd=folder, check=True, stdout=subprocess.DEVNULL, timeout=60)

    data = str(folder / "data")
    options = f"-k {folder} -c listen_addresses= -c fsync=off"
    control = (str(programs / "pg_ctl"), "-D", data, "-w", "-l", str(folder / "log"), "-o", options)

    def restart(mode: str) -> None:
        run(*control, "-m", mode, "restart")

    try:
        run(str(programs / "initdb"), "--no-sync", "-A", "trust", "-U", "tester", "-E", "UTF8", "-D", data)
        run(*control, "start")
        try:
            yield Server(f"postgresql://tester@/{{database}}?host={folder}", folder, restart)
        finally:
            run(*control, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def fresh_database(server: str, name: str) -> str:
    """Make a database; its URL."""
    import psycopg

    with psycopg.connect(server.format(database="postgres"), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    return server.format(database=name)
