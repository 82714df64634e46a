"""Where a store is: a database URL, checked, with what it means for SQLite."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from monitor.errors import StoreUnusableError
from monitor.settings.redaction import without_passwords
from monitor.store.column_types import POSTGRESQL, SQLITE

_FORMS = "use sqlite:///FOLDER/trails.sqlite (or the file's path alone) or postgresql://USER@HOST/DATABASE"


@dataclass(frozen=True, slots=True)
class StoreLocation:
    """A store's address: an SQLite file or a PostgreSQL database."""

    url: URL
    """For SQLAlchemy, with the driver."""
    path: Path | None
    """The SQLite file; None for PostgreSQL."""

    @property
    def shown(self) -> str:
        """As people should see it, without a password."""
        return str(self.path) if self.path is not None else without_passwords(self.url.render_as_string())


def locate(database: str) -> StoreLocation:
    """Read a database URL, or the bare path of an SQLite file.

    Raises `StoreUnusableError` for anything else.
    """
    if not database.strip():
        raise StoreUnusableError(f"no database was named: {_FORMS}")
    if "://" not in database:
        return _sqlite(Path(database))
    shown = without_passwords(database)
    try:
        url = make_url(database)
    except ArgumentError as error:
        raise StoreUnusableError(f"{shown!r} is no database URL: {_FORMS}") from error
    if url.get_backend_name() == SQLITE:
        if not url.database or url.database == ":memory:":
            raise StoreUnusableError(
                f"the database {database!r} names no file, so nothing would be kept: {_FORMS}"
            )
        return _sqlite(Path(url.database))
    if url.get_backend_name() == POSTGRESQL:
        return StoreLocation(url.set(drivername="postgresql+psycopg"), None)
    raise StoreUnusableError(f"the database {shown!r} is neither SQLite nor PostgreSQL: {_FORMS}")


def _sqlite(path: Path) -> StoreLocation:
    return StoreLocation(URL.create("sqlite+pysqlite", database=str(path)), path)
