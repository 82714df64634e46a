"""What the views' columns hold, for files whose columns have a type: words, whole numbers, numbers."""

from __future__ import annotations

from enum import StrEnum


class ColumnKind(StrEnum):
    """What stands in a column; NULL may stand in every one."""

    WORDS = "words"
    """Text; times as ISO 8601 in UTC."""
    WHOLE = "whole"
    """Whole numbers; flags as 0 and 1."""
    NUMBER = "number"


_WORDS = frozenset(
    [
        "acknowledged_at",
        "action",
        "alert_kind",
        "archived",
        "at",
        "backend",
        "birth_kind",
        "border_rule",
        "camera",
        "captured_at",
        "claimed",
        "completed_at",
        "detail",
        "details",
        "end_reason",
        "ended",
        "ended_at",
        "field",
        "first_attempt_at",
        "first_seen_at",
        "forecast_reason",
        "habit",
        "hash",
        "kind",
        "last_attempt_at",
        "last_error",
        "message",
        "model",
        "name",
        "next_attempt_at",
        "previous_hash",
        "queued_at",
        "reason",
        "rule",
        "session",
        "severity",
        "sink",
        "source_name",
        "started_at",
        "state",
        "station",
        "status",
        "time_source",
        "version",
        "weighting",
        "weights_sha256",
        "who",
        "who_by",
        "why",
    ]
)
_WHOLE = frozenset(
    [
        "attempts",
        "carried",
        "considered",
        "count",
        "crystal_id",
        "crystals",
        "crystals_in_view",
        "delivery_id",
        "event_id",
        "first_index",
        "fit_for_growth",
        "fit_points",
        "frame_index",
        "frames_failed",
        "frames_lost",
        "frames_ok",
        "frames_rejected",
        "frames_repeated",
        "frames_superseded",
        "frames_thinned",
        "in_contact",
        "last_index",
        "lost",
        "merged_into",
        "points",
        "points_removed",
        "points_thinned",
        "reminder",
        "repeated",
        "revision",
        "run_id",
        "sent",
        "seq",
        "split_from",
        "summary_event_id",
        "superseded",
        "tail_at_most",
        "tidying_id",
        "touches_border",
        "uid",
    ]
)
_WHOLE_IN = {"frame_log": frozenset({"width_px", "height_px"})}
"""A frame's size is counted in pixels, a crystal's of the same name is measured."""


def column_kind(view: str, column: str) -> ColumnKind:
    """What stands in a view's column."""
    if column in _WORDS:
        return ColumnKind.WORDS
    if column in _WHOLE or column in _WHOLE_IN.get(view, ()):
        return ColumnKind.WHOLE
    return ColumnKind.NUMBER
