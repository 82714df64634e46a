"""The driver that PostgreSQL needs, and what is said where it is missing."""

from __future__ import annotations

from monitor.errors import StoreUnusableError


def missing_driver() -> StoreUnusableError:
    """What to raise where psycopg cannot be imported."""
    return StoreUnusableError(
        "PostgreSQL needs the driver psycopg, which is not installed: pip install "
        "'crystal-monitor[postgresql]'"
    )
