"""The trail store: runs, frames, crystals and events in SQL, one transaction per frame."""

from monitor.store.audit import user_name
from monitor.store.audit_chain import ChainReport, Fault, canonical_json
from monitor.store.audit_export import export_lines, verify_export
from monitor.store.audit_verification import verify_audit
from monitor.store.backup import (
    Backup,
    Restored,
    back_up,
    postgresql_backup_command,
    postgresql_restore_command,
    restore,
)
from monitor.store.compaction import compact
from monitor.store.condition import WalReader, measure_folder, measure_store, wal_readers
from monitor.store.driver import check_driver
from monitor.store.integrity import Integrity, check_database, damage_message, put_aside
from monitor.store.location import locate
from monitor.store.network_share import check_local
from monitor.store.outbox import Outbox
from monitor.store.outbox_queue import Flood
from monitor.store.query import run_query
from monitor.store.reader import TrailReader
from monitor.store.reading_connection import Bound
from monitor.store.row_stream import RowStream
from monitor.store.space import SpaceEstimate, estimate_space
from monitor.store.sql_trail_store import SqlTrailStore, open_store
from monitor.store.table import Table
from monitor.store.tidying import Tidied
from monitor.store.tidying_preview import preview_tidy
from monitor.store.trail_store import FrameMoment, HistoryWanted, StoredField, TrailStore
from monitor.store.view_columns import ColumnKind, column_kind

__all__ = [
    "Backup",
    "Bound",
    "ChainReport",
    "ColumnKind",
    "Fault",
    "Flood",
    "FrameMoment",
    "HistoryWanted",
    "Integrity",
    "Outbox",
    "Restored",
    "RowStream",
    "SpaceEstimate",
    "SqlTrailStore",
    "StoredField",
    "Table",
    "Tidied",
    "TrailReader",
    "TrailStore",
    "WalReader",
    "back_up",
    "canonical_json",
    "check_database",
    "check_driver",
    "check_local",
    "column_kind",
    "compact",
    "damage_message",
    "estimate_space",
    "export_lines",
    "locate",
    "measure_folder",
    "measure_store",
    "open_store",
    "postgresql_backup_command",
    "postgresql_restore_command",
    "preview_tidy",
    "put_aside",
    "restore",
    "run_query",
    "user_name",
    "verify_audit",
    "verify_export",
    "wal_readers",
]
