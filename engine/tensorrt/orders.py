"""Which engines a station needs: those for the tiles of its frames, and the one for the parity frames."""

from __future__ import annotations

from collections.abc import Iterable

from engine.card import ModelCard
from engine.parity import ParityFrames
from engine.tensorrt.engine_card import EngineOrder, Precision
from engine.tiling import LARGEST_WHOLE_AREA_PX, plan


def orders_for(
    model: ModelCard,
    frames_px: Iterable[tuple[int, int]],
    precision: Precision,
    *,
    tile_px: int | None = None,
) -> tuple[EngineOrder, ...]:
    """Orders for frames of these sizes (height, width), px, and for the parity frames; each shape once.

    Without the latter no back end would serve before it had built that engine itself. `tile_px` is that of the
    change gate, if it has its own. The tiles are those that `Segmenter` cuts.
    """
    stride, overlap = model.network.stride, model.tile_overlap_px
    orders: dict[EngineOrder, None] = {}
    for height, width in frames_px:
        rows, columns = plan(
            height,
            width,
            tile=tile_px or model.tile_px,
            overlap=min(overlap, (tile_px or model.tile_px) // 4),
            stride=stride,
            whole_area=0 if tile_px else LARGEST_WHOLE_AREA_PX,
        )
        orders[EngineOrder(rows.size, columns.size, precision)] = None
    if model.parity_sha256:
        for image_HW in ParityFrames.load(model).images:
            orders[EngineOrder(image_HW.shape[0], image_HW.shape[1], precision)] = None
    return tuple(orders)
