"""The views that users read: names and columns are a contract, additions only, at the end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import create_engine, text

from monitor.errors import QueryError
from monitor.store import SqlTrailStore, TrailReader, open_store, run_query
from monitor.store.location import locate
from tests import trail_results as made

PROMISED = {
    "run_summary": "run_id, name, started_at, ended_at, camera, um_per_px, frames_ok, frames_failed, "
    "frames_rejected, frames_lost, crystals, total_area_px, total_area_um2, coverage, state, induction_s, "
    "induction_low_s, induction_high_s, detection_limit_um, completed_at, completed_elapsed_s, t95_elapsed_s, "
    "t95_low_s, t95_high_s, backend, model",
    "frame_log": "run_id, field, frame_index, captured_at, elapsed_s, status, reason, backend, age_s, focus, "
    "light, shift_x_px, shift_y_px, count, total_area_px, total_area_um2, fraction, state, t95_elapsed_s, archived",
    "growth_history": "run_id, field, crystal_id, frame_index, captured_at, elapsed_s, area_px, area_um2, "
    "equivalent_diameter_px, equivalent_diameter_um, feret_max_um, feret_min_um, length_um, width_um, "
    "orientation_deg, perimeter_um, aspect_ratio, solidity, circularity, centroid_x_px, centroid_y_px, "
    "touches_border, in_contact, carried, score, habit, backend",
    "trail_summary": "run_id, field, crystal_id, birth_kind, first_seen_s, birth_s, birth_low_s, birth_high_s, "
    "ended_s, end_reason, merged_into, points, fit_points, fit_window_s, first_area_px, last_area_px, "
    "first_area_um2, last_area_um2, max_area_um2, growth_rate_px_per_s, growth_rate_um_per_s, "
    "growth_rate_low_um_per_s, growth_rate_high_um_per_s, detection_floor_um_per_s",
    "csd": "run_id, field, frame_index, elapsed_s, weighting, border_rule, count, d10_um, d50_um, d90_um, "
    "mean_um, cv, span",
    "event_log": "run_id, event_id, field, at, elapsed_s, kind, crystal_id, message, value, acknowledged_at",
    "audit_log": "seq, at, kind, station, run_id, who, who_by, uid, claimed, why, message, details, "
    "previous_hash, hash",
}


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrailReader]:
    database = str(tmp_path_factory.mktemp("views") / "trails.sqlite")
    open_store(database).close()
    with TrailReader(database) as opened:
        yield opened


@pytest.mark.parametrize("view", PROMISED)
def test_a_view_begins_with_the_columns_that_were_promised(reader: TrailReader, view: str) -> None:
    promised = PROMISED[view].split(", ")
    columns = list(reader.view(view).columns)
    assert columns[: len(promised)] == promised
    assert len(set(columns)) == len(columns)


def test_a_question_that_other_views_do_not_answer_is_told_so(database: str, store: SqlTrailStore) -> None:
    question = "SELECT no_such FROM run_summary"
    with pytest.raises(QueryError, match="the views are run_summary"):
        run_query(database, question)
    engine = create_engine(locate(database).url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE migration SET detail = 'of before' WHERE name = 'views'"))
    engine.dispose()
    with pytest.raises(
        QueryError, match=r"of an earlier version .*: another version wrote it \(its views are others"
    ):
        run_query(database, question)
    assert run_query(database, "SELECT COUNT(*) AS n FROM run_summary").rows == ((0,),), "others are answered"
    store.start_run(made.run_start(version="0.0.9"))
    with pytest.raises(QueryError, match=r"version 0\.0\.9 wrote it"):
        run_query(database, question)
