"""The tables, newest schema. Users read the views; tables may change with a migration."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    MetaData,
    Table,
    UniqueConstraint,
    text,
)

from monitor.store.column_types import Bytes, Flag, Number, UtcTime, Whole, Words

METADATA = MetaData()

_STRICT: dict[str, Any] = {"sqlite_strict": True}


def _key(name: str) -> Column[int]:
    return Column(name, Whole, primary_key=True, autoincrement=True)


def _numbers(*names: str) -> list[Column[float]]:
    return [Column(name, Number) for name in names]


migration = Table(
    "migration",
    METADATA,
    Column("name", Words, primary_key=True),
    Column("detail", Words, nullable=False, server_default=text("''")),
    **_STRICT,
)

FRAME_STATUSES = ("ok", "failed", "rejected")

run = Table(
    "run",
    METADATA,
    _key("run_id"),
    Column("name", Words, nullable=False),
    Column("started_at", UtcTime, nullable=False),
    Column("started_utc_ns", Whole, nullable=False),
    Column("started_boottime_ns", Whole),
    Column("started_boot_id", Words, nullable=False),
    Column("ended_at", UtcTime),
    Column("epoch_utc_ns", Whole, nullable=False),
    Column("epoch_boottime_ns", Whole),
    Column("epoch_boot_id", Words, nullable=False),
    Column("zero_s", Number, nullable=False),
    Column("version", Words, nullable=False),
    Column("model", Words),
    Column("weights_sha256", Words),
    Column("model_card", Words, nullable=False),
    Column("backend", Words),
    Column("settings", Words, nullable=False),
    Column("camera", Words, nullable=False),
    Column("um_per_px", Number),
    Column("detection_limit_px", Number),
    Column("told_event_id", Whole, nullable=False),
    Column("station", Words, nullable=False, server_default=text("''")),
    Column("thinned_at", UtcTime),
    # So many points it had as its removal began; NULL where none has.
    Column("points_to_remove", Whole),
    sqlite_autoincrement=True,
    **_STRICT,
)

field = Table(
    "field",
    METADATA,
    _key("field_id"),
    Column("run_id", Whole, ForeignKey("run.run_id"), nullable=False),
    Column("name", Words, nullable=False),
    Column("next_crystal_id", Whole, nullable=False),
    Column("last_frame_id", Whole),
    Column("last_ok_frame_id", Whole),
    Column("state", Words),
    Column("explanation", Words),
    Column("decided_by", Words),
    Column("completed_at", UtcTime),
    Column("completed_elapsed_s", Number),
    Column("thinned_to_frame_id", Whole),
    Column("thinning_plan", Words),
    # Frames whose rows were removed by retention, by what had become of them.
    *[
        Column(f"{status}_thinned", Whole, nullable=False, server_default=text("0"))
        for status in FRAME_STATUSES
    ],
    UniqueConstraint("run_id", "name"),
    **_STRICT,
)

field_state = Table(
    "field_state",
    METADATA,
    Column("field_id", Whole, ForeignKey("field.field_id"), primary_key=True, autoincrement=False),
    Column("tracker_json", Words, nullable=False),
    Column("completion_json", Words, nullable=False),
    Column("alerts_json", Words, nullable=False),
    Column("labels", Bytes, nullable=False),
    **_STRICT,
)

grabber_session = Table(
    "grabber_session",
    METADATA,
    _key("session_id"),
    Column("run_id", Whole, ForeignKey("run.run_id"), nullable=False),
    Column("session", Words, nullable=False),
    Column("boot_id", Words, nullable=False),
    Column("first_seen_at", UtcTime, nullable=False),
    Column("first_index", Whole, nullable=False),
    Column("next_index", Whole, nullable=False),
    Column("ended", Words),
    Column("ended_at", UtcTime),
    Column("tail_at_most", Whole),
    # Considered, and their rows removed by retention.
    Column("frames_thinned", Whole, nullable=False, server_default=text("0")),
    UniqueConstraint("run_id", "session"),
    Index("grabber_session_by_session", "session"),
    **_STRICT,
)

frame = Table(
    "frame",
    METADATA,
    _key("frame_id"),
    Column("field_id", Whole, ForeignKey("field.field_id"), nullable=False),
    Column("session_id", Whole, ForeignKey("grabber_session.session_id"), nullable=False),
    Column("frame_index", Whole, nullable=False),
    Column("captured_at", UtcTime, nullable=False),
    Column("captured_boottime_ns", Whole),
    Column("time_source", Words, nullable=False),
    Column("elapsed_s", Number, nullable=False),
    Column("age_s", Number),
    Column("width_px", Whole),
    Column("height_px", Whole),
    Column("um_per_px", Number),
    Column("source_name", Words),
    Column("status", Words, nullable=False),
    Column("reason", Words),
    Column("detail", Words),
    Column("backend", Words),
    *_numbers("focus", "light", "shift_x_px", "shift_y_px"),
    Column("crystal_count", Whole),
    *_numbers("total_area_px", "total_area_um2", "fraction"),
    Column("state", Words),
    *_numbers(
        "hold_coverage",
        "t90_elapsed_s",
        "t90_low_s",
        "t90_high_s",
        "t95_elapsed_s",
        "t95_low_s",
        "t95_high_s",
    ),
    Column("forecast_reason", Words),
    Column("archived", Words),
    UniqueConstraint("session_id", "frame_index", "field_id"),
    Index("frame_by_field_status", "field_id", "status"),
    Index("frame_by_field_time", "field_id", "elapsed_s"),
    Index(
        "frame_by_archived",
        "archived",
        sqlite_where=text("archived IS NOT NULL"),
        postgresql_where=text("archived IS NOT NULL"),
    ),
    **_STRICT,
)

frame_loss = Table(
    "frame_loss",
    METADATA,
    _key("loss_id"),
    Column("run_id", Whole, ForeignKey("run.run_id"), nullable=False),
    Column("field", Words, nullable=False),
    Column("session", Words, nullable=False),
    Column("first_index", Whole, nullable=False),
    Column("last_index", Whole, nullable=False),
    Column("count", Whole, nullable=False),
    Column("reason", Words, nullable=False),
    Index("frame_loss_by_session", "run_id", "session", "first_index"),
    **_STRICT,
)

trail = Table(
    "trail",
    METADATA,
    Column("field_id", Whole, ForeignKey("field.field_id"), primary_key=True, autoincrement=False),
    Column("crystal_id", Whole, primary_key=True, autoincrement=False),
    Column("confirmed", Flag, nullable=False),
    Column("birth_kind", Words),
    Column("split_from", Whole),
    *_numbers(
        "first_seen_s", "last_seen_s", "last_clear_s", "birth_s", "birth_low_s", "birth_high_s", "ended_s"
    ),
    Column("end_reason", Words),
    Column("merged_into", Whole),
    Column("points", Whole, nullable=False),
    *_numbers(
        "first_area_px", "last_area_px", "max_area_px", "first_area_um2", "last_area_um2", "max_area_um2"
    ),
    *_numbers(
        "rate_px_per_s", "low_px_per_s", "high_px_per_s", "rate_um_per_s", "low_um_per_s", "high_um_per_s"
    ),
    *_numbers("detection_floor_um_per_s", "front_speed_px_per_s"),
    Column("fit_points", Whole),
    *_numbers("fit_window_s", "fit_coverage", "fit_ended_s"),
    # No point of an ended trail is later than this; NULL where it may have points to the end of its run.
    Column("points_until_s", Number),
    Column("points_thinned", Whole, nullable=False, server_default=text("0")),
    Column("thinned_within_px", Number),
    sqlite_with_rowid=False,
    **_STRICT,
)

POINT_NUMBERS = (
    "area_px",
    "equivalent_diameter_px",
    "feret_max_px",
    "feret_min_px",
    "length_px",
    "width_px",
    "orientation_deg",
    "perimeter_px",
    "aspect_ratio",
    "solidity",
    "circularity",
    "centroid_x_px",
    "centroid_y_px",
    "score",
)
POINT_MICROMETRES = (
    "area_um2",
    "equivalent_diameter_um",
    "feret_max_um",
    "feret_min_um",
    "length_um",
    "width_um",
    "perimeter_um",
)
POINT_GROWTH = (
    "rate_um_per_s",
    "low_um_per_s",
    "high_um_per_s",
    "fit_window_s",
    "detection_floor_um_per_s",
)

# Clustered by frame, so that a frame's points are appended side by side. No index by crystal: it would touch
# a page per crystal in every frame, which costs more than the whole rest; one crystal's points are found
# frame by frame.
point = Table(
    "point",
    METADATA,
    Column("frame_id", Whole, ForeignKey("frame.frame_id"), primary_key=True, autoincrement=False),
    Column("crystal_id", Whole, primary_key=True, autoincrement=False),
    Column("revision", Whole, primary_key=True, autoincrement=False),
    Column("superseded", Flag, nullable=False),
    Column("field_id", Whole, nullable=False),
    Column("label", Whole, nullable=False),
    *_numbers(*POINT_NUMBERS, *POINT_MICROMETRES),
    *[Column(f"bbox_{name}_px", Whole, nullable=False) for name in ("x", "y", "width", "height")],
    Column("contacts", Words),
    Column("touches_border", Flag, nullable=False),
    Column("carried", Flag, nullable=False),
    Column("fit_for_growth", Flag, nullable=False),
    Column("habit", Words, nullable=False),
    *_numbers(*POINT_GROWTH),
    # Without an index each trail that is deleted looks through all points: PostgreSQL goes without the constraint, and
    # SQLite, which cannot drop one, does not check it while trails are deleted.
    ForeignKeyConstraint(["field_id", "crystal_id"], ["trail.field_id", "trail.crystal_id"]).ddl_if("sqlite"),
    sqlite_with_rowid=False,
    **_STRICT,
)

size_distribution = Table(
    "size_distribution",
    METADATA,
    Column("frame_id", Whole, ForeignKey("frame.frame_id"), primary_key=True, autoincrement=False),
    Column("weighting", Words, primary_key=True),
    Column("border_rule", Words, primary_key=True),
    Column("count", Whole, nullable=False),
    *_numbers("d10_um", "d50_um", "d90_um", "mean_um", "cv", "span"),
    sqlite_with_rowid=False,
    **_STRICT,
)

event = Table(
    "event",
    METADATA,
    _key("event_id"),
    Column("run_id", Whole, ForeignKey("run.run_id"), nullable=False),
    Column("field", Words),
    Column("at", UtcTime, nullable=False),
    Column("elapsed_s", Number, nullable=False),
    Column("kind", Words, nullable=False),
    Column("crystal_id", Whole),
    Column("message", Words, nullable=False),
    Column("value", Number),
    Column("acknowledged_at", UtcTime),
    Column("rule", Words),
    Column("alert_kind", Words),
    Column("limit_value", Number),
    Column("details", Words),
    Column("severity", Words),
    Index("event_by_run", "run_id", "kind"),
    sqlite_autoincrement=True,
    **_STRICT,
)

# The outbox: one row per alert and sink, written in the alert's own transaction. `run.told_event_id` is the last alert
# that was put into it.
delivery = Table(
    "delivery",
    METADATA,
    _key("delivery_id"),
    Column("station", Words, nullable=False),
    Column("sink", Words, nullable=False),
    Column("event_id", Whole, ForeignKey("event.event_id"), nullable=False),
    Column("reminder", Whole, nullable=False),
    Column("rule", Words, nullable=False),
    Column("summary_event_id", Whole),
    Column("state", Words, nullable=False),
    Column("attempts", Whole, nullable=False),
    Column("queued_at", UtcTime, nullable=False),
    Column("first_attempt_at", UtcTime),
    Column("last_attempt_at", UtcTime),
    Column("next_attempt_at", UtcTime),
    Column("last_error", Words),
    Column("queued_boottime_ns", Whole),
    Column("queued_boot_id", Words),
    Column("last_attempt_boottime_ns", Whole),
    Column("last_attempt_boot_id", Words),
    UniqueConstraint("event_id", "sink", "reminder"),
    Index("delivery_by_rule", "station", "sink", "rule", "delivery_id"),
    Index(
        "delivery_pending",
        "station",
        "sink",
        "delivery_id",
        sqlite_where=text("state = 'pending'"),
        postgresql_where=text("state = 'pending'"),
    ),
    sqlite_autoincrement=True,
    **_STRICT,
)

# What retention did, also to runs that are no more: hence no foreign key.
tidying = Table(
    "tidying",
    METADATA,
    _key("tidying_id"),
    Column("at", UtcTime, nullable=False),
    Column("run_id", Whole, nullable=False),
    Column("run_name", Words, nullable=False),
    Column("action", Words, nullable=False),
    Column("points_removed", Whole, nullable=False),
    Column("detail", Words, nullable=False),
    **_STRICT,
)

__all__ = [
    "FRAME_STATUSES",
    "METADATA",
    "POINT_GROWTH",
    "POINT_MICROMETRES",
    "POINT_NUMBERS",
    "delivery",
    "event",
    "field",
    "field_state",
    "frame",
    "frame_loss",
    "grabber_session",
    "migration",
    "point",
    "run",
    "size_distribution",
    "tidying",
    "trail",
]
