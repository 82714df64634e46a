"""Bar 2: the film's central crystal is one trail that grows as careful thresholding says; contact is no growth."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from tests.accuracy.conftest import Replayed

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

CENTRE_X_PX, CENTRE_Y_PX = 144.0, 152.0
FIRST_AREA_PX, AREA_AT_42_S_PX = 5_400.0, 22_700.0
"""Careful thresholding's, as the data set's own description gives them."""
FREE_UNTIL_S = 42.0
NOISE = 0.02
"""Relative scatter of one area that still counts as noise."""


@pytest.fixture(scope="module")
def film(shared_data: Path, replay_folder: Callable[..., Replayed]) -> Replayed:
    folder = shared_data / "film-growth"
    return replay_folder(folder / "frames", timestamps=folder / "timestamps.csv")


def central(film: Replayed) -> list[dict[str, object]]:
    """Points of the trail that lies nearest to the middle of the first frame, in order of time."""
    first = [point for point in film.points if point["elapsed_s"] == 0]
    assert first, "no crystal was followed from the first frame on"

    def off_centre(point: dict[str, object]) -> float:
        x, y = float(str(point["centroid_x_px"])), float(str(point["centroid_y_px"]))
        return (x - CENTRE_X_PX) ** 2 + (y - CENTRE_Y_PX) ** 2

    crystal = min(first, key=off_centre)["crystal_id"]
    return sorted(
        (point for point in film.points if point["crystal_id"] == crystal),
        key=lambda point: float(str(point["elapsed_s"])),
    )


def test_the_central_crystal_is_one_trail_from_start_to_end(film: Replayed) -> None:
    times = [float(str(point["elapsed_s"])) for point in central(film)]
    assert times == [0, 6, 10, 16, 22, 28, 32, 38, 42, 48, 52, 58, 64]


def test_its_area_is_that_of_careful_thresholding(film: Replayed) -> None:
    area_px = {float(str(point["elapsed_s"])): float(str(point["area_px"])) for point in central(film)}
    assert area_px[0.0] == pytest.approx(FIRST_AREA_PX, rel=0.10)
    assert area_px[FREE_UNTIL_S] == pytest.approx(AREA_AT_42_S_PX, rel=0.10)


def test_it_grows_within_noise_at_every_step_while_it_is_free(film: Replayed) -> None:
    free = [float(str(p["area_px"])) for p in central(film) if float(str(p["elapsed_s"])) <= FREE_UNTIL_S]
    for before, after in pairwise(free):
        assert after > before * (1 - NOISE), free


def test_contact_with_its_neighbours_is_an_event_and_no_growth(film: Replayed) -> None:
    points = central(film)
    crystal = points[0]["crystal_id"]
    contacts = [
        event
        for event in film.events
        if event["kind"] == "contact" and crystal in {event["crystal_id"], event["value"]}
    ]
    assert contacts, "its contact with the neighbours was not noticed"
    first_s = min(float(str(event["elapsed_s"])) for event in contacts)
    assert first_s >= 32, "it touched nobody that early"
    fitted_later = [
        point
        for point in points
        if float(str(point["elapsed_s"])) > first_s and point["fit_window_s"] is not None
    ]
    assert not fitted_later, "growth was fitted through a contact"


def test_no_burned_in_text_or_bar_is_a_crystal(film: Replayed) -> None:
    last = [point for point in film.points if point["elapsed_s"] == 64]
    for point in last:
        x, y = float(str(point["centroid_x_px"])), float(str(point["centroid_y_px"]))
        assert not (x > 206 and 256 <= y <= 272), f"the white bar is crystal {point['crystal_id']}"
        assert not (x < 80 and y < 40), f"the time text is crystal {point['crystal_id']}"
