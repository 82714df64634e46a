"""The trail store: runs, frames, crystals and events in SQL, one transaction per frame."""

from monitor.store.sql_trail_store import SqlTrailStore, open_store
from monitor.store.trail_store import StoredField, TrailStore

__all__ = [
    "SqlTrailStore",
    "StoredField",
    "TrailStore",
    "open_store",
]
