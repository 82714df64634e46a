import numpy as np

from engine.cut import cut_mask
from engine.runs import find_runs
from engine.thresholds import Thresholds


def test_runs_end_with_their_row_and_cover_every_pixel() -> None:
    image = np.array([[1, 1, 0], [0, 0, 0], [2, 1, 1]], np.uint8)
    runs = find_runs(image)
    assert runs.starts.tolist() == [0, 2, 3, 6, 7]
    assert runs.lengths.tolist() == [2, 1, 3, 1, 2]
    assert runs.pixels().tolist() == list(range(9))
    assert runs[image.ravel()[runs.starts] > 0].pixels().tolist() == [0, 1, 6, 7, 8]


def test_no_runs_have_no_pixels() -> None:
    runs = find_runs(np.zeros((2, 2), np.uint8))
    assert len(runs[np.zeros(2, bool)].pixels()) == 0


def test_positions_in_the_frame_lead_back_to_the_image() -> None:
    crystal = np.arange(12, dtype=np.float32).reshape(3, 4)
    cut = cut_mask(crystal, np.zeros_like(crystal), Thresholds(crystal=0.0))
    at = np.flatnonzero(cut.mask_PQ)
    np.testing.assert_array_equal(crystal.ravel()[cut.of_image(at)], crystal.ravel())
