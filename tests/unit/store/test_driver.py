"""PostgreSQL without its driver: the remedy, from reading and writing alike."""

from __future__ import annotations

import sys

import pytest

from monitor.errors import StoreUnusableError
from monitor.store import TrailReader, open_store

URL = "postgresql://localhost/trails"


@pytest.fixture
def without_psycopg(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    monkeypatch.delitem(sys.modules, "monitor.store.reading_postgresql", raising=False)


@pytest.mark.usefixtures("without_psycopg")
def test_writing_says_what_to_install() -> None:
    with pytest.raises(StoreUnusableError, match=r"crystal-monitor\[postgresql\]"):
        open_store(URL, "FULL")


@pytest.mark.usefixtures("without_psycopg")
def test_reading_says_what_to_install() -> None:
    with pytest.raises(StoreUnusableError, match=r"crystal-monitor\[postgresql\]"):
        TrailReader(URL).__enter__()
