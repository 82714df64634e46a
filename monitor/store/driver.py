"""The driver that PostgreSQL needs, and what is said where it is missing."""

from __future__ import annotations

from importlib.util import find_spec

from monitor.errors import StoreUnusableError


def check_driver() -> None:
    """Raise StoreUnusableError where the driver is not installed."""
    if find_spec("psycopg") is None:
        raise missing_driver()


def missing_driver() -> StoreUnusableError:
    """What to raise where psycopg cannot be imported."""
    return StoreUnusableError(
        "PostgreSQL needs the driver psycopg, which is not installed: pip install "
        "'crystal-monitor[postgresql]'"
    )
