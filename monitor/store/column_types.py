"""Column types that mean the same in SQLite's STRICT tables and in PostgreSQL.

STRICT tables know INTEGER, REAL, TEXT and BLOB alone; PostgreSQL's REAL would have 24 bits, so it gets DOUBLE
PRECISION.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import REAL, BigInteger, Boolean, DateTime, Double, Integer, LargeBinary, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

SQLITE = "sqlite"
POSTGRESQL = "postgresql"

Whole = BigInteger().with_variant(Integer(), SQLITE)
"""64-bit integer."""
Flag = Boolean().with_variant(Integer(), SQLITE)
"""0 or 1 in SQLite, boolean in PostgreSQL: `WHERE flag` and `WHERE NOT flag` work in both."""
Number: TypeEngine[float] = Double().with_variant(REAL(), SQLITE)
"""64-bit float."""
Words = Text()
Bytes = LargeBinary()


FLAGS: dict[str, dict[bool, object]] = {
    SQLITE: {False: 0, True: 1},
    POSTGRESQL: {False: False, True: True},
}
"""By dialect: what the driver takes for a `Flag` where SQLAlchemy does not stand between."""


def utc_text(moment: datetime) -> str:
    """ISO-8601 in UTC with six decimals and `Z`: sorts as time, and SQLite's date functions read it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class UtcTime(TypeDecorator[datetime]):
    """An aware moment in UTC, to the microsecond: ISO-8601 text in SQLite, timestamptz in PostgreSQL."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """TEXT for SQLite, else the database's own type."""
        return dialect.type_descriptor(Text() if dialect.name == SQLITE else DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | str | None:
        """Moment to what the driver takes."""
        if value is None or dialect.name != SQLITE:
            return value
        return utc_text(value)

    def process_result_value(self, value: datetime | str | None, dialect: Dialect) -> datetime | None:
        """What the driver gives to a moment."""
        if isinstance(value, str):
            return datetime.fromisoformat(value)
        return value
