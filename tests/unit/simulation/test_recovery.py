"""The judge itself: a perfect recovery scores perfectly, a wrong one does not."""

from __future__ import annotations

import math

import pytest

from monitor.simulation import PRESETS, SimulatedMicroscope
from monitor.simulation.recovery import compare

SETTINGS = PRESETS["demo"].model_copy(update={"seed": 5})
WINDOW_S = 120.0


def rows(
    area_factor: float = 1.0, rate_factor: float = 1.0
) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """Trails and points as a daemon would write them that knows the truth, times the factors."""
    microscope = SimulatedMicroscope(SETTINGS)
    points: list[dict[str, object]] = []
    for elapsed_s in (600.0, 720.0, 840.0):
        before = {crystal.id: crystal for crystal in microscope.at(elapsed_s - WINDOW_S).truth.crystals}
        for crystal in microscope.at(elapsed_s).truth.crystals:
            earlier = before.get(crystal.id)
            rate = (
                (crystal.equivalent_diameter_um - earlier.equivalent_diameter_um) / WINDOW_S
                if earlier
                else None
            )
            points.append(
                {
                    "crystal_id": crystal.id,
                    "elapsed_s": elapsed_s,
                    "centroid_x_px": crystal.x_px,
                    "centroid_y_px": crystal.y_px,
                    "area_px": crystal.area_px * area_factor,
                    "equivalent_diameter_px": 2 * math.sqrt(crystal.area_px / math.pi),
                    "touches_border": int(crystal.touches_border),
                    "in_contact": int(crystal.in_contact),
                    "growth_rate_um_per_s": rate * rate_factor if rate is not None else None,
                    "growth_rate_low_um_per_s": rate * 0.99 * rate_factor if rate is not None else None,
                    "growth_rate_high_um_per_s": rate * 1.01 * rate_factor if rate is not None else None,
                    "fit_window_s": WINDOW_S if rate is not None else None,
                    "detection_floor_um_per_s": 0.0,
                }
            )
    trails: list[dict[str, object]] = [
        {"crystal_id": number} for number in {point["crystal_id"] for point in points}
    ]
    return trails, points


SUMMARY = {"induction_s": 250.0, "completed_elapsed_s": 3000.0}


def test_the_truth_itself_is_recovered_without_error() -> None:
    recovery = compare(SETTINGS, *rows(), SUMMARY)
    assert len(recovery.rate_errors) > 20, "the control: there are rates to judge"
    assert recovery.median_rate_error == pytest.approx(0.0, abs=1e-9)
    assert recovery.area_bias == pytest.approx(0.0, abs=1e-9)
    assert recovery.rate_covered == 1.0
    assert recovery.identity_switches == 0
    assert recovery.completed_fraction > 0.99


def test_areas_that_are_too_large_are_a_bias() -> None:
    assert compare(SETTINGS, *rows(area_factor=1.04), SUMMARY).area_bias == pytest.approx(0.04, abs=1e-6)


def test_rates_that_are_too_large_are_errors_outside_their_intervals() -> None:
    recovery = compare(SETTINGS, *rows(rate_factor=1.1), SUMMARY)
    assert recovery.median_rate_error == pytest.approx(0.1, abs=1e-6)
    assert recovery.rate_covered == 0.0


def test_two_trails_that_trade_crystals_are_identity_switches() -> None:
    trails, points = rows()
    last = [point for point in points if point["elapsed_s"] == 840.0]
    last[0]["crystal_id"], last[1]["crystal_id"] = last[1]["crystal_id"], last[0]["crystal_id"]
    assert compare(SETTINGS, trails, points, SUMMARY).identity_switches == 2


def test_an_early_announcement_shows_in_the_fraction() -> None:
    assert compare(SETTINGS, *rows(), SUMMARY | {"completed_elapsed_s": 600.0}).completed_fraction < 0.5


def test_births_are_found_missed_and_made_up() -> None:
    """Worked by hand: one crystal's trail is taken away, one crystal is told twice, one trail lies on nothing."""
    truth = {birth.id: birth.at_s for birth in SimulatedMicroscope(SETTINGS).truth_run().births}
    trails, points = rows()
    due = {p["crystal_id"] for p in points if p["equivalent_diameter_px"] >= 10}
    assert len(due) > 5, "the control: there are births to judge"
    born = [{**trail, "birth_kind": "born", "birth_s": truth[trail["crystal_id"]] + 7.0} for trail in trails]
    whole = compare(SETTINGS, born, points, SUMMARY).births
    assert (whole.true, whole.found, whole.false) == (len(due), len(due), 0)
    assert whole.errors_s == pytest.approx([7.0] * len(due))
    missed, twice = sorted(due)[:2]
    again = [{**point, "crystal_id": 901} for point in points if point["crystal_id"] == twice]
    nothing = {**points[0], "crystal_id": 902, "centroid_x_px": 0.0, "centroid_y_px": 0.0}
    told = [trail for trail in born if trail["crystal_id"] != missed]
    told += [{"crystal_id": number, "birth_kind": "born", "birth_s": 0.0} for number in (901, 902)]
    births = compare(SETTINGS, told, [*points, *again, nothing], SUMMARY).births
    assert (births.true, births.found, births.false) == (len(due), len(due) - 1, 2)
    assert compare(SETTINGS, *rows(), SUMMARY).births.found == 0  # of trails that do not say how they began
