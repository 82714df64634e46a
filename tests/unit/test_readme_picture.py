"""The README's picture can be drawn from a demo's database."""

from __future__ import annotations

import runpy
from pathlib import Path

import cv2
import pytest

from monitor.store import open_store
from tests import trail_results as made

ROOT = Path(__file__).parents[2]


def test_the_readme_s_picture_is_drawn_from_a_database(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed (extra train)")
    store = open_store(f"sqlite:///{tmp_path / 'demo.sqlite'}")
    run = store.start_run(made.run_start())
    for index in range(30):
        store.append(run, made.growing(index, 5))
    store.close()
    draw = runpy.run_path(str(ROOT / "deploy/pictures/draw_demo.py"))["main"]
    draw(str(tmp_path / "demo.sqlite"), str(tmp_path / "demo.png"))
    drawn = cv2.imread(str(tmp_path / "demo.png"))
    assert drawn is not None
    assert min(drawn.shape[:2]) > 300
    assert drawn.std() > 10
