from __future__ import annotations

from pathlib import Path

import pytest

from monitor.errors import StoreUnusableError
from monitor.store.location import locate


@pytest.mark.parametrize("database", ["sqlite:////data/trails.sqlite", "/data/trails.sqlite"])
def test_a_url_and_a_path_name_the_same_file(database: str) -> None:
    assert locate(database).path == Path("/data/trails.sqlite")
    assert locate(database).shown == "/data/trails.sqlite"


def test_a_relative_file() -> None:
    assert locate("sqlite:///trails.sqlite").path == Path("trails.sqlite")


def test_a_password_is_not_shown() -> None:
    location = locate("postgresql://writer:secret@host/trails")
    assert location.path is None
    assert "secret" not in location.shown
    assert location.url.password == "secret"


def test_another_database_is_refused() -> None:
    with pytest.raises(StoreUnusableError, match="neither SQLite nor PostgreSQL"):
        locate("oracle://host/trails")
