"""The README's picture can be drawn from a demo's database."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from monitor.store import open_store
from tests import trail_results as made

pytest.importorskip("matplotlib", reason="matplotlib is not installed (extra train)")
from tests.readme_picture import label_of, main


def test_the_readme_s_picture_is_drawn_from_a_database(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'demo.sqlite'}")
    run = store.start_run(made.run_start())
    for index in range(30):
        store.append(run, made.growing(index, 5))
    store.close()
    main(str(tmp_path / "demo.sqlite"), str(tmp_path / "demo.png"))
    drawn = cv2.imread(str(tmp_path / "demo.png"))
    assert drawn is not None
    assert min(drawn.shape[:2]) > 300
    assert drawn.std() > 10


def test_a_concave_crystal_has_its_own_colour_though_its_centre_lies_outside_of_it() -> None:
    labels = np.zeros((40, 60), np.int32)
    labels[5:35, 5:35] = 3
    labels[10:30, 10:35] = 0  # open to the right
    labels[18:22, 40:50] = 7
    y, x = (where.mean() for where in np.nonzero(labels == 3))
    assert labels[round(y), round(x)] == 0  # the control
    assert label_of(labels, x, y) == 3
    assert label_of(labels, 45.0, 20.0) == 7
    assert label_of(np.zeros_like(labels), 45.0, 20.0) == 0
