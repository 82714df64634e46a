"""Retention, asked of SQLite and of PostgreSQL: trails keep their shape within the bound, and all of it is recorded."""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from monitor.records import Event, FrameQuality, FrameStatus, RejectReason, TrailEnd, TrailEvent
from monitor.records.run import Run, RunEnded, TimeZeroSet
from monitor.records.vocabulary import EndReason, EventKind
from monitor.settings.retention import RetentionSettings
from monitor.store import SqlTrailStore, TrailReader, open_store
from tests import trail_results as made
from tests.contract.stored_rows import only, rows

pytestmark = pytest.mark.timeout(300)

FRAMES = 700
CRYSTALS = (1, 2, 3)
CONTACT_AT = 333
THIN = RetentionSettings(
    full_points_days=0, area_tolerance=0.005, noise_multiple=3.0, size_distributions_every_s=60
)
LATER = made.at(86_400.0)


def fill(store: SqlTrailStore, ended: bool = True) -> Run:
    """A run of three crystals whose areas grow with noise; crystal 2 touches another for a while."""
    chance = np.random.default_rng(3)
    run = store.start_run(made.run_start())
    for index in range(FRAMES):
        points = []
        for crystal in CRYSTALS:
            one = made.point(crystal, index, 200.0 + crystal * index + chance.normal(0, 2.0))
            if crystal == 2 and CONTACT_AT <= index < CONTACT_AT + 20:
                seen = dataclasses.replace(one.observation, contact_labels=(9,))
                one = dataclasses.replace(one, observation=seen, fit_for_growth=False)
            points.append(one)
        changes: dict[str, Any] = {"distributions": (made.distribution(3),)}
        if index == 0:
            changes["born"] = [made.birth(crystal, 0.0) for crystal in CRYSTALS]
        if index == 500:
            changes["happened"] = [TrailEvent(EventKind.RETURN, 3, "crystal 3 came back")]
            changes["fits"] = [made.fit(crystal) for crystal in CRYSTALS]
        store.append(run, made.result(index, points, **changes))
    if ended:
        store.record(run, RunEnded(made.at(FRAMES)))
    return run


def histories(reader: TrailReader) -> dict[int, list[dict[str, Any]]]:
    found = rows(reader, "growth_history")
    return {crystal: [row for row in found if row["crystal_id"] == crystal] for crystal in CRYSTALS}


def drain(steps: Iterator[Any]) -> list[Any]:
    return [step for step in steps if step is not None]


def test_a_thinned_trail_keeps_its_shape_its_events_and_its_figures(
    store: SqlTrailStore, reader: TrailReader
) -> None:
    run = fill(store)
    before = histories(reader)
    kept_views = ("run_summary", "frame_log", "event_log", "session_log")
    summaries = {view: rows(reader, view) for view in kept_views}
    trails = rows(reader, "trail_summary")
    (would,) = drain(store.tidy(THIN, LATER, dry_run=True))
    assert histories(reader) == before, "a dry run changes nothing"
    (done,) = drain(store.tidy(THIN, LATER))
    assert done == would
    assert (done.run_id, done.action, done.points) == (run.run_id, "thinned", FRAMES * len(CRYSTALS))
    after = histories(reader)
    gone = 0
    for trail in rows(reader, "trail_summary"):
        crystal = trail["crystal_id"]
        full, thin = before[crystal], after[crystal]
        gone += len(full) - len(thin)
        assert len(thin) < len(full) / 4, "the control: much is gone"
        assert all(row in full for row in thin), "what is left is as it was measured"
        assert (thin[0], thin[-1]) == (full[0], full[-1])
        at_s = [row["elapsed_s"] for row in full]
        for column, within in (("area_px", trail["thinned_within_px"]), ("centroid_x_px", 0.5)):
            drawn = np.interp(at_s, [row["elapsed_s"] for row in thin], [row[column] for row in thin])
            assert np.abs(drawn - [row[column] for row in full]).max() <= within + 1e-9
        assert trail["points_thinned"] == len(full) - len(thin)
        assert 4.0 < trail["thinned_within_px"] < 12.0, "three times the noise of 2 px²"
    assert done.points_removed == gone
    contact = {row["elapsed_s"] for row in after[2] if row["in_contact"]}
    assert {float(CONTACT_AT), CONTACT_AT + 19.0} <= contact, "where the contact began and ended"
    assert {CONTACT_AT - 1.0, CONTACT_AT + 20.0} <= {row["elapsed_s"] for row in after[2]}
    assert 500.0 in {row["elapsed_s"] for row in after[3]}, "at the event"
    unchanged = [
        {name: row[name] for name in row if "thinned" not in name} for row in rows(reader, "trail_summary")
    ]
    assert unchanged == [{name: row[name] for name in row if "thinned" not in name} for row in trails]
    assert {view: rows(reader, view) for view in kept_views} == summaries
    assert len(rows(reader, "csd")) <= FRAMES / 60 + 4
    record = only(rows(reader, "tidying_log"))
    assert (record["run_id"], record["action"], record["points_removed"]) == (run.run_id, "thinned", gone)
    assert only(rows(reader, "audit_log", kind="data_deleted"))["run_id"] == run.run_id
    assert drain(store.tidy(THIN, LATER)) == [], "what was thinned is never thinned again"


def test_a_run_that_is_open_or_young_is_left_alone(store: SqlTrailStore, reader: TrailReader) -> None:
    fill(store, ended=False)
    before = histories(reader)
    assert drain(store.tidy(THIN, LATER)) == []
    assert drain(store.tidy(RetentionSettings(runs_days=0), LATER)) == []
    store.start_run(made.run_start("next", started=made.at(FRAMES)))
    assert drain(store.tidy(RetentionSettings(full_points_days=2), LATER)) == []
    assert histories(reader) == before


def test_an_interrupted_thinning_goes_on_with_the_same_decision(
    database: str, store: SqlTrailStore, reader: TrailReader
) -> None:
    fill(store)
    everything = sum(map(len, histories(reader).values()))
    would = drain(store.tidy(THIN, LATER, dry_run=True))
    for _ in range(200):
        steps = store.tidy(THIN, LATER)
        for step in itertools.islice(steps, 1 + 1_000):
            left = sum(map(len, histories(reader).values()))
            if step is not None or left < everything:
                break
        else:
            pytest.fail("nothing was ever deleted")
        break
    assert would[0].points - would[0].points_removed < left < everything, "the control: it is in the middle"
    store.close()
    again = open_store(database)
    (done,) = drain(again.tidy(THIN, LATER))
    again.close()
    left = sum(map(len, histories(reader).values()))
    assert everything - left == would[0].points_removed
    assert sum(row["points_thinned"] for row in rows(reader, "trail_summary")) == everything - left
    assert done.action == "thinned"


def test_frames_are_appended_between_two_steps(store: SqlTrailStore, reader: TrailReader) -> None:
    fill(store)
    run = store.start_run(made.run_start("next"))
    index = 0
    for _ in store.tidy(THIN, LATER):
        assert store.append(run, made.growing(index, 2))
        index += 1
    assert index > 5, "the control: there were many steps"
    assert len(rows(reader, "frame_log", run_id=run.run_id)) == index
    assert len(rows(reader, "growth_history", run_id=run.run_id)) == 2 * (index - 1)


def test_a_run_is_removed_whole_and_its_number_not_given_again(
    store: SqlTrailStore, reader: TrailReader
) -> None:
    old = fill(store)
    (done,) = drain(store.tidy(RetentionSettings(runs_days=0), LATER))
    assert (done.run_id, done.action, done.points_removed) == (old.run_id, "removed", FRAMES * len(CRYSTALS))
    for view in (
        "run_summary",
        "frame_log",
        "growth_history",
        "trail_summary",
        "csd",
        "event_log",
        "session_log",
    ):
        assert rows(reader, view) == [], view
    assert only(rows(reader, "tidying_log"))["name"] == "salt"
    assert store.start_run(made.run_start("next")).run_id > old.run_id


QUIET = RetentionSettings(full_points_days=0, size_distributions_every_s=60, frames_every_s=60)
REJECTED = (*range(300, 340), *range(680, FRAMES))
OK = FRAMES - len(REJECTED)
DIED_AT, ZERO_S, BORN_AGAIN_AT = 446, 450.5, 610


def fill_quiet(store: SqlTrailStore) -> Run:
    """Crystals for a hundred frames, then none to be seen until they count as gone; one that is born after time zero.

    A while of rejected frames, and such at the end; one frame archived, with a note's event. No event is at the last
    frame before time zero, and the field was empty in none before it but those since the crystals went.
    """
    run = store.start_run(made.run_start())
    for index in range(FRAMES):
        if index > ZERO_S and not run.zero_s:
            run = store.record(run, TimeZeroSet(made.at(ZERO_S)))
        if index in REJECTED:
            store.append(
                run, made.without_sight(index, FrameQuality(FrameStatus.REJECTED, RejectReason.DARK))
            )
            continue
        points = [made.point(crystal, index, 200.0 + index) for crystal in CRYSTALS if 1 <= index < 100]
        changes: dict[str, Any] = {"distributions": (made.distribution(3),)} if points else {}
        if index == 1:
            changes["born"] = [made.birth(crystal, 1.0) for crystal in CRYSTALS]
        if index == DIED_AT:
            changes["ended"] = [
                TrailEnd(crystal, EndReason.DISSOLVED, float(DIED_AT)) for crystal in CRYSTALS
            ]
        if index >= BORN_AGAIN_AT:
            points = [made.point(9, index, 200.0 + index)]
        if index == BORN_AGAIN_AT:
            changes["born"] = [made.birth(9, float(index), clear_s=index - 1.0)]
        if index == 555:
            changes |= {"archived": "kept.npz", "events": (Event(EventKind.NOTE, "looked in"),)}
        store.append(run, made.result(index, points, **changes))
    store.record(run, RunEnded(made.at(FRAMES)))
    return run


def test_frames_of_which_nothing_is_left_go_and_stay_counted(
    store: SqlTrailStore, reader: TrailReader
) -> None:
    fill_quiet(store)
    before = {name: only(rows(reader, name)) for name in ("run_summary", "session_log")}
    summary = before["run_summary"]
    assert (summary["frames_ok"], summary["frames_rejected"]) == (OK, len(REJECTED))
    assert summary["induction_s"] == summary["induction_high_s"] == BORN_AGAIN_AT - ZERO_S, "the control"
    assert summary["induction_low_s"] == BORN_AGAIN_AT - 1 - ZERO_S
    assert summary["total_area_px"] == 200.0 + 679, "the control: the last good frame's"
    drain(store.tidy(QUIET, LATER))
    left = rows(reader, "frame_log")
    kept = {row["frame_index"] for row in left}
    assert len(left) < 150, "the control: most of them go"
    for name, was in before.items():
        now = only(rows(reader, name))
        assert now.pop("frames_thinned") == FRAMES - len(left)
        assert was.pop("frames_thinned") == 0
        assert now == was
    assert {row["frame_index"] for row in rows(reader, "growth_history")} <= kept
    assert {row["frame_index"] for row in rows(reader, "csd")} <= kept
    assert {0, FRAMES - 1, 299, 300, 339, 340, 555, 679, 680} <= kept, (
        "ends, changes of status, the event with its image"
    )
    assert 450 in kept, "the last before time zero"
    assert 449 not in kept, "the control"
    assert max(np.diff(sorted(kept))) <= 2 * 60
    said = only(rows(reader, "tidying_log"))
    assert json.loads(said["detail"])["frames_removed"] == FRAMES - len(left)


@pytest.mark.parametrize("distributions_every_s", [60, 7, 0])
def test_how_many_frames_go_is_told_before_and_after(
    store: SqlTrailStore, reader: TrailReader, distributions_every_s: float
) -> None:
    wanted = QUIET.model_copy(update={"size_distributions_every_s": distributions_every_s})
    fill_quiet(store)
    (would,) = drain(store.tidy(wanted, LATER, dry_run=True))
    (done,) = drain(store.tidy(wanted, LATER))
    assert would == done
    assert done.frames_removed == FRAMES - len(rows(reader, "frame_log")) > 400
    assert drain(store.tidy(QUIET, LATER)) == [], "a run is thinned once"


def test_an_interrupted_thinning_of_frames_counts_each_once(
    database: str, store: SqlTrailStore, reader: TrailReader
) -> None:
    fill_quiet(store)
    steps = store.tidy(QUIET, LATER)
    while len(rows(reader, "frame_log")) == FRAMES:
        next(steps)
    steps.close()  # type: ignore[attr-defined]  # a generator
    part = len(rows(reader, "frame_log"))
    store.close()
    again = open_store(database)
    drain(again.tidy(QUIET, LATER))
    again.close()
    left = len(rows(reader, "frame_log"))
    assert left < part < FRAMES, "the control: it was interrupted between two slices"
    summary = only(rows(reader, "run_summary"))
    assert (summary["frames_ok"], summary["frames_rejected"]) == (OK, len(REJECTED))
    assert only(rows(reader, "session_log"))["considered"] == FRAMES
