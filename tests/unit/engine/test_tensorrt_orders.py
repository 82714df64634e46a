"""Engines are built for the very tiles that the segmenter cuts, and for the parity frames."""

from __future__ import annotations

import pytest

from engine import Segmenter, load_card
from engine.change_gate import ChangeGate
from engine.parity import ParityFrames
from engine.tensorrt import EngineOrder, orders_for

FRAMES = [(1024, 1024), (1200, 1920), (2048, 2448), (3000, 4096), (130, 70)]


@pytest.mark.parametrize("tile_px", [None, 512])
def test_engines_are_for_the_tiles_that_are_cut(tile_px: int | None) -> None:
    segmenter = Segmenter(gate=ChangeGate(tile_px=tile_px), threads=1)
    parity = {image_HW.shape for image_HW in ParityFrames.load(load_card()).images}
    assert len(parity) == 1
    for height, width in FRAMES:
        rows, columns = segmenter._plan(height, width)
        orders = orders_for(load_card(), [(height, width)], "fp16", tile_px=tile_px)
        assert orders == (EngineOrder(rows.size, columns.size), EngineOrder(*parity.copy().pop()))
    segmenter.close()


def test_each_shape_is_built_once() -> None:
    orders = orders_for(load_card(), [(1024, 1024), (1024, 1024), (1020, 1010)], "fp32")
    assert len(orders) == 2
    assert {order.precision for order in orders} == {"fp32"}
    assert orders[0].file_name("default") == "default-1024x1024-fp32.engine"
