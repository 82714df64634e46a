"""Fixtures of the power cuts."""

from __future__ import annotations

from tests.integration.conftest import short_folder

__all__ = ["short_folder"]
