"""A store in SQLite and in a real PostgreSQL server, for the contracts that both must keep."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from monitor.store import SqlTrailStore, TrailReader, open_store
from tests.contract.outbox_station import CHAT, LOG, Station
from tests.postgresql_server import fresh_database

_numbers = count()


@pytest.fixture
def new_postgresql(server: str) -> str:
    """An empty database of the server."""
    return fresh_database(server, f"contract_{next(_numbers)}")


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'trails.sqlite'}"
    return str(request.getfixturevalue("new_postgresql"))


@pytest.fixture
def store(database: str) -> Iterator[SqlTrailStore]:
    opened = open_store(database)
    yield opened
    opened.close()


@pytest.fixture
def reader(database: str, store: SqlTrailStore) -> Iterator[TrailReader]:
    with TrailReader(database) as opened:
        yield opened


@pytest.fixture
def station(database: str) -> Iterator[Station]:
    made_here = Station(database)
    made_here.restart(CHAT, LOG)
    yield made_here
    assert made_here.store is not None
    made_here.store.close()
