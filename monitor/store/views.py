"""The views: what users read. Names and columns are a contract; columns are only ever added, at the end.

Plain SQL that SQLite and PostgreSQL both take. Every column of `run_summary` is its own subquery, so that a
question about a few columns computes no others. Elapsed times count from the operator's time zero
(`run.zero_s`).
"""

from __future__ import annotations

import hashlib

from monitor.store.column_types import SQLITE

_LAST_OK = """FROM field f JOIN frame fr ON fr.frame_id = f.last_ok_frame_id WHERE f.run_id = r.run_id"""

# Whether the field had crystals at time zero: those of its first good frame, and, where zero was set later, those that
# were followed then: to the last good frame before it, or in a body that was seen again only after it.
_NOT_EMPTY_AT_ZERO = """EXISTS (SELECT 1 FROM trail p WHERE p.field_id = f.field_id AND p.confirmed AND (
      (p.birth_kind = 'present_at_start' AND p.first_seen_s >= r.zero_s)
      OR (p.first_seen_s < r.zero_s AND (p.ended_s IS NULL
        OR p.ended_s >= (SELECT MAX(b.elapsed_s) FROM frame b
          WHERE b.field_id = f.field_id AND b.status = 'ok' AND b.elapsed_s <= r.zero_s)
        OR (SELECT m.first_seen_s FROM trail m
          WHERE m.field_id = f.field_id AND m.crystal_id = p.merged_into) >= r.zero_s))))"""

# The first crystal born after time zero in a field that was empty then. A field that was not tells no induction: its
# own nucleation was before, and what is born beside crystals may have come of them.
# Induction is its detection; the interval reaches back to the earliest birth that its growth allows.
# The fields are chosen by themselves, so that each is asked once, not with each of its crystals.
_FIRST_BORN = """(SELECT {column} - r.zero_s FROM trail t
    WHERE t.field_id IN (SELECT f.field_id FROM field f WHERE f.run_id = r.run_id AND NOT {not_empty})
      AND t.confirmed AND t.birth_kind = 'born' AND t.first_seen_s >= r.zero_s
    ORDER BY t.first_seen_s, t.crystal_id LIMIT 1)"""


def _first_born(column: str) -> str:
    return _FIRST_BORN.format(column=column, not_empty=_NOT_EMPTY_AT_ZERO)


# Of several fields the one that has come least far; a blind one counts as least, so that nothing hides it.
_LEAST_STATE = """(SELECT f.state FROM field f WHERE f.run_id = r.run_id AND f.state IS NOT NULL
    ORDER BY CASE f.state WHEN 'blind' THEN 0 WHEN 'waiting' THEN 1 WHEN 'nucleated' THEN 2
        WHEN 'growing' THEN 3 WHEN 'slowing' THEN 4 WHEN 'dissolving' THEN 5 WHEN 'ripening' THEN 6 ELSE 7 END
    LIMIT 1)"""


# The texts below are put together from constants of this file alone.
def _frames(status: str) -> str:
    return f"""(SELECT COUNT(*) FROM field f JOIN frame fr ON fr.field_id = f.field_id
    WHERE f.run_id = r.run_id AND fr.status = '{status}') + {_thinned(f"f.{status}_thinned")}"""  # noqa: S608  # see above


def _thinned(frames: str) -> str:
    """Frames that retention removed: they were considered all the same."""
    return f"(SELECT CAST(COALESCE(SUM({frames}), 0) AS BIGINT) FROM field f WHERE f.run_id = r.run_id)"  # noqa: S608  # see above


_PASSED_OVER = "('superseded', 'repeated')"
"""Reasons of frames that nothing was lost with: a newer one was considered instead, or the very file before."""


def _losses(condition: str) -> str:
    return f"""(SELECT CAST(COALESCE(SUM(l.count), 0) AS BIGINT) FROM frame_loss l
    WHERE l.run_id = r.run_id AND l.reason {condition})"""  # noqa: S608  # see above


def _session_losses(condition: str) -> str:
    return f"""(SELECT CAST(COALESCE(SUM(l.count), 0) AS BIGINT) FROM frame_loss l
    WHERE l.run_id = s.run_id AND l.session = s.session AND l.reason {condition})"""  # noqa: S608  # see above


def _last_of_all_fields(column: str) -> str:
    return f"(SELECT CASE WHEN COUNT({column}) = COUNT(*) THEN MAX({column}) END - r.zero_s {_LAST_OK})"


RUN_SUMMARY = f"""
SELECT r.run_id, r.name, r.started_at, r.ended_at, NULLIF(r.camera, '') AS camera, r.um_per_px,
  {_frames("ok")} AS frames_ok,
  {_frames("failed")} AS frames_failed,
  {_frames("rejected")} AS frames_rejected,
  {_losses(f"NOT IN {_PASSED_OVER}")} AS frames_lost,
  (SELECT COUNT(*) FROM field f JOIN trail t ON t.field_id = f.field_id
    WHERE f.run_id = r.run_id AND t.confirmed) AS crystals,
  (SELECT SUM(fr.total_area_px) {_LAST_OK}) AS total_area_px,
  (SELECT CASE WHEN COUNT(fr.total_area_um2) = COUNT(*) THEN SUM(fr.total_area_um2) END {_LAST_OK})
    AS total_area_um2,
  (SELECT SUM(fr.total_area_px) / SUM(fr.width_px * fr.height_px * 1.0) {_LAST_OK}) AS coverage,
  COALESCE({_LEAST_STATE}, 'waiting') AS state,
  {_first_born("t.first_seen_s")} AS induction_s,
  {_first_born("COALESCE(t.birth_low_s, t.last_clear_s)")} AS induction_low_s,
  {_first_born("t.first_seen_s")} AS induction_high_s,
  r.detection_limit_px * r.um_per_px AS detection_limit_um,
  (SELECT CASE WHEN COUNT(f.completed_at) = COUNT(*) THEN MAX(f.completed_at) END
    FROM field f WHERE f.run_id = r.run_id) AS completed_at,
  (SELECT CASE WHEN COUNT(f.completed_elapsed_s) = COUNT(*) THEN MAX(f.completed_elapsed_s) END - r.zero_s
    FROM field f WHERE f.run_id = r.run_id) AS completed_elapsed_s,
  {_last_of_all_fields("fr.t95_elapsed_s")} AS t95_elapsed_s,
  {_last_of_all_fields("fr.t95_low_s")} AS t95_low_s,
  {_last_of_all_fields("fr.t95_high_s")} AS t95_high_s,
  r.backend, r.model,
  {_losses(f"IN {_PASSED_OVER}")} AS frames_superseded,
  (SELECT CAST(COALESCE(SUM(fr.crystal_count), 0) AS BIGINT) {_LAST_OK}) AS crystals_in_view,
  r.zero_s, r.version, r.weights_sha256, r.detection_limit_px, r.station,
  {_thinned("f.ok_thinned + f.failed_thinned + f.rejected_thinned")} AS frames_thinned,
  {_losses("= 'repeated'")} AS frames_repeated
FROM run r"""  # noqa: S608  # see above

FRAME_LOG = """
SELECT r.run_id, f.name AS field, fr.frame_index, fr.captured_at, fr.elapsed_s - r.zero_s AS elapsed_s,
  fr.status, fr.reason, fr.backend, fr.age_s, fr.focus, fr.light, fr.shift_x_px, fr.shift_y_px,
  fr.crystal_count AS count, fr.total_area_px, fr.total_area_um2, fr.fraction, fr.state,
  fr.t95_elapsed_s - r.zero_s AS t95_elapsed_s, fr.archived,
  r.name, s.session, fr.source_name, fr.time_source, fr.detail, fr.um_per_px, fr.width_px, fr.height_px,
  fr.hold_coverage, fr.t95_low_s - r.zero_s AS t95_low_s, fr.t95_high_s - r.zero_s AS t95_high_s,
  fr.t90_elapsed_s - r.zero_s AS t90_elapsed_s, fr.t90_low_s - r.zero_s AS t90_low_s,
  fr.t90_high_s - r.zero_s AS t90_high_s, fr.forecast_reason, r.station
FROM frame fr
  JOIN field f ON f.field_id = fr.field_id
  JOIN run r ON r.run_id = f.run_id
  JOIN grabber_session s ON s.session_id = fr.session_id"""

# Points lie by frame: those of one crystal are looked up in each frame of its life, and in no other. `likely`: where no
# crystal is named, SQLite shall go by frame, not by crystal; PostgreSQL has statistics and does not know the word.
GROWTH_HISTORY = """
SELECT r.run_id, f.name AS field, p.crystal_id, fr.frame_index, fr.captured_at,
  fr.elapsed_s - r.zero_s AS elapsed_s,
  p.area_px, p.area_um2, p.equivalent_diameter_px, p.equivalent_diameter_um, p.feret_max_um, p.feret_min_um,
  p.length_um, p.width_um, p.orientation_deg, p.perimeter_um, p.aspect_ratio, p.solidity, p.circularity,
  p.centroid_x_px, p.centroid_y_px, p.touches_border, (p.contacts IS NOT NULL) AS in_contact, p.carried,
  p.score, p.habit, fr.backend,
  r.name, p.feret_max_px, p.feret_min_px, p.length_px, p.width_px, p.perimeter_px, p.fit_for_growth,
  p.revision, p.rate_um_per_s AS growth_rate_um_per_s, p.low_um_per_s AS growth_rate_low_um_per_s,
  p.high_um_per_s AS growth_rate_high_um_per_s, p.fit_window_s, p.detection_floor_um_per_s, r.station
FROM run r
  JOIN field f ON f.run_id = r.run_id
  JOIN trail t ON t.field_id = f.field_id
  JOIN frame fr ON fr.field_id = t.field_id AND likely(fr.elapsed_s >= t.first_seen_s)
    AND likely(fr.elapsed_s <= COALESCE(t.points_until_s, 1e300))
  JOIN point p ON p.frame_id = fr.frame_id AND p.crystal_id = t.crystal_id
WHERE t.confirmed AND NOT p.superseded"""

TRAIL_SUMMARY = """
SELECT r.run_id, f.name AS field, t.crystal_id, t.birth_kind, t.first_seen_s - r.zero_s AS first_seen_s,
  t.birth_s - r.zero_s AS birth_s,
  CASE WHEN t.birth_kind = 'born' THEN COALESCE(t.birth_low_s, t.last_clear_s) END - r.zero_s AS birth_low_s,
  CASE WHEN t.birth_kind = 'born' THEN COALESCE(t.birth_high_s, t.first_seen_s) END - r.zero_s AS
  birth_high_s, t.ended_s - r.zero_s AS ended_s, t.end_reason, t.merged_into, t.points, t.fit_points,
  t.fit_window_s, t.first_area_px, t.last_area_px, t.first_area_um2, t.last_area_um2, t.max_area_um2,
  t.rate_px_per_s AS growth_rate_px_per_s, t.rate_um_per_s AS growth_rate_um_per_s,
  t.low_um_per_s AS growth_rate_low_um_per_s, t.high_um_per_s AS growth_rate_high_um_per_s,
  t.detection_floor_um_per_s,
  r.name, t.last_seen_s - r.zero_s AS last_seen_s, t.max_area_px, t.low_px_per_s AS growth_rate_low_px_per_s,
  t.high_px_per_s AS growth_rate_high_px_per_s, t.front_speed_px_per_s, t.fit_coverage, t.split_from,
  t.fit_ended_s - r.zero_s AS fit_ended_s, r.station, t.points_thinned, t.thinned_within_px
FROM trail t
  JOIN field f ON f.field_id = t.field_id
  JOIN run r ON r.run_id = f.run_id
WHERE t.confirmed"""

CSD = """
SELECT r.run_id, f.name AS field, fr.frame_index, fr.elapsed_s - r.zero_s AS elapsed_s, d.weighting,
  d.border_rule, d.count, d.d10_um, d.d50_um, d.d90_um, d.mean_um, d.cv, d.span, r.name, fr.captured_at, r.station
FROM size_distribution d
  JOIN frame fr ON fr.frame_id = d.frame_id
  JOIN field f ON f.field_id = fr.field_id
  JOIN run r ON r.run_id = f.run_id"""

# Of births and ends the value is a time, which counts from the run's time zero like every other.
EVENT_LOG = """
SELECT r.run_id, e.event_id, e.field, e.at, e.elapsed_s - r.zero_s AS elapsed_s, e.kind, e.crystal_id,
  e.message,
  CASE WHEN e.kind IN ('nucleation', 'birth', 'entry', 'dissolution', 'departure', 'loss') THEN e.value - r.zero_s
    ELSE e.value END AS value,
  e.acknowledged_at, r.name, e.rule, e.alert_kind, e.limit_value, e.details, e.severity, r.station
FROM event e
  JOIN run r ON r.run_id = e.run_id"""

DELIVERY_LOG = """
SELECT e.run_id, d.event_id, d.sink, d.state, d.attempts, d.queued_at, d.first_attempt_at, d.last_attempt_at,
  d.next_attempt_at, d.last_error, d.reminder, d.summary_event_id, e.field, d.rule, e.kind, e.severity, e.message,
  e.acknowledged_at, r.name, d.station, d.delivery_id
FROM delivery d
  JOIN event e ON e.event_id = d.event_id
  JOIN run r ON r.run_id = e.run_id"""

TIDYING_LOG = """
SELECT y.tidying_id, y.at, y.run_id, y.run_name AS name, y.action, y.points_removed, y.detail FROM tidying y"""

# Sent = considered + lost + superseded, up to the last sequence number that was seen; superseded includes repeated.
SESSION_LOG = f"""
SELECT s.run_id, s.session, s.first_seen_at, s.first_index, s.next_index - 1 AS last_index,
  s.next_index - s.first_index AS sent,
  (SELECT COUNT(*) FROM frame fr WHERE fr.session_id = s.session_id) + s.frames_thinned AS considered,
  {_session_losses(f"NOT IN {_PASSED_OVER}")} AS lost,
  {_session_losses(f"IN {_PASSED_OVER}")} AS superseded,
  s.ended, s.ended_at, s.tail_at_most, r.station, s.frames_thinned,
  {_session_losses("= 'repeated'")} AS repeated
FROM grabber_session s
  JOIN run r ON r.run_id = s.run_id"""  # noqa: S608  # put together from constants of this file

# `at` is when the row was written, by the database's clock.
AUDIT_LOG = """
SELECT a.seq, a.at, a.kind, COALESCE(NULLIF(a.station, ''), r.station) AS station, a.run_id, a.who, a.who_by, a.uid,
  a.claimed, a.why, a.message, a.details, a.previous_hash, a.hash
FROM audit a
  LEFT JOIN run r ON r.run_id = a.run_id"""

VIEWS = {
    "run_summary": RUN_SUMMARY,
    "frame_log": FRAME_LOG,
    "growth_history": GROWTH_HISTORY,
    "trail_summary": TRAIL_SUMMARY,
    "csd": CSD,
    "event_log": EVENT_LOG,
    "session_log": SESSION_LOG,
    "tidying_log": TIDYING_LOG,
    "delivery_log": DELIVERY_LOG,
    "audit_log": AUDIT_LOG,
}


def view_sql(name: str, dialect: str) -> str:
    """The view's text as the database of the dialect takes it."""
    return VIEWS[name] if dialect == SQLITE else VIEWS[name].replace("likely(", "(")


def views_told() -> str:
    """Which views there are and how to see a view's columns, for who asked for something else."""
    example = "SELECT * FROM frame_log LIMIT 1"
    return f"the views are {', '.join(VIEWS)}; {example} shows the columns of one"


def views_fingerprint() -> str:
    """Hash of all view definitions: the store replaces the views of a database that holds others."""
    return hashlib.sha256("\n".join(f"{name}:{sql}" for name, sql in VIEWS.items()).encode()).hexdigest()
