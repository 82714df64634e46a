"""Which engines a station needs: those for the tiles of its frames, and the one for the parity frames."""

from __future__ import annotations

from collections.abc import Iterable

from engine.card import ModelCard
from engine.parity import ParityFrames
from engine.tensorrt.engine_card import EngineOrder, Precision
from engine.tiling import plan


def orders_for(
    model: ModelCard, frames_px: Iterable[tuple[int, int]], precision: Precision
) -> tuple[EngineOrder, ...]:
    """Orders for frames of these sizes (height, width), px, and for the parity frames; each shape once.

    Without the latter no back end would serve before it had built that engine itself.
    """
    sizes = list(frames_px)
    if model.parity_sha256:
        sizes += [image_HW.shape[:2] for image_HW in ParityFrames.load(model).images]
    orders: dict[EngineOrder, None] = {}
    for height, width in sizes:
        rows, columns = plan(
            height, width, tile=model.tile_px, overlap=model.tile_overlap_px, stride=model.network.stride
        )
        orders[EngineOrder(rows.size, columns.size, precision)] = None
    return tuple(orders)
