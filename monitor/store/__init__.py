"""The trail store: runs, frames, crystals and events in SQL, one transaction per frame."""

from monitor.store.location import locate
from monitor.store.query import run_query
from monitor.store.reader import TrailReader
from monitor.store.reading_connection import Bound
from monitor.store.space import SpaceEstimate, estimate_space
from monitor.store.sql_trail_store import SqlTrailStore, open_store
from monitor.store.table import Table
from monitor.store.trail_store import FrameMoment, HistoryWanted, StoredField, TrailStore

__all__ = [
    "Bound",
    "FrameMoment",
    "HistoryWanted",
    "SpaceEstimate",
    "SqlTrailStore",
    "StoredField",
    "Table",
    "TrailReader",
    "TrailStore",
    "estimate_space",
    "locate",
    "open_store",
    "run_query",
]
