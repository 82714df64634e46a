"""The trail store: runs, frames, crystals and events in SQL, one transaction per frame."""

from monitor.store.driver import check_driver
from monitor.store.location import locate
from monitor.store.outbox import Outbox
from monitor.store.outbox_queue import Flood
from monitor.store.query import run_query
from monitor.store.reader import TrailReader
from monitor.store.reading_connection import Bound
from monitor.store.row_stream import RowStream
from monitor.store.space import SpaceEstimate, estimate_space
from monitor.store.sql_trail_store import SqlTrailStore, open_store
from monitor.store.table import Table
from monitor.store.trail_store import FrameMoment, HistoryWanted, StoredField, TrailStore
from monitor.store.view_columns import ColumnKind, column_kind

__all__ = [
    "Bound",
    "ColumnKind",
    "Flood",
    "FrameMoment",
    "HistoryWanted",
    "Outbox",
    "RowStream",
    "SpaceEstimate",
    "SqlTrailStore",
    "StoredField",
    "Table",
    "TrailReader",
    "TrailStore",
    "check_driver",
    "column_kind",
    "estimate_space",
    "locate",
    "open_store",
    "run_query",
]
