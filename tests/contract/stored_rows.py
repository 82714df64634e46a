"""Rows of a view, for the tests of stores."""

from __future__ import annotations

from typing import Any

from monitor.store import TrailReader


def rows(reader: TrailReader, view: str, **equal: Any) -> list[dict[str, Any]]:
    """The rows, by the names of their columns."""
    return list(reader.view(view, **equal).records())


def only(found: list[dict[str, Any]]) -> dict[str, Any]:
    """The one row that there is."""
    assert len(found) == 1, found
    return found[0]
