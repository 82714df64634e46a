"""The frames on which a back end must show that it computes what the reference computes; released with the weights."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from engine.backends import create_backend
from engine.card import ModelCard, sha256_of
from engine.parity import ParityFrames
from engine.preprocess import preprocess
from monitor.settings.simulation import GrowthPhysics, Nucleation, Optics, SimulationSettings
from monitor.simulation import SimulatedMicroscope, training_scene

if TYPE_CHECKING:
    import numpy.typing as npt

HEIGHT_PX, WIDTH_PX = 384, 448
"""Not square, so that rows taken for columns are noticed; one size, so that one graph is compiled for all."""

_STILLS = (("suspension", 1002), ("grains", 1000), ("grains", 1002), ("film", 1002), ("plates", 1003))
"""Scene families and seeds: sparse with blurred bodies, dense and touching, a film, large plates."""


def parity_images() -> list[npt.NDArray[np.uint8] | npt.NDArray[np.uint16]]:
    """Grey images (H, W): five of 8 bit and one of 16 bit; the same at every call."""
    stills: list[npt.NDArray[np.uint8] | npt.NDArray[np.uint16]] = [
        training_scene(np.random.default_rng(seed), HEIGHT_PX, WIDTH_PX, family)[0]
        for family, seed in _STILLS
    ]
    scope = SimulatedMicroscope(
        SimulationSettings(
            width_px=WIDTH_PX,
            height_px=HEIGHT_PX,
            growth=GrowthPhysics(mode="static"),
            nucleation=Nucleation(rate_per_mm2_s=0, seeds=60, seed_diameter_um=16, seed_spread=0.4),
            optics=Optics(bit_depth=16, out_of_focus=2, dust=2),
        )
    )
    image_HW = scope.render_only(0.0)
    assert image_HW.dtype == np.uint16, "a frame of 16 bit belongs to the set"
    return [*stills, image_HW]


def make_parity(card: ModelCard, threads: int = 2) -> ModelCard:
    """Run the fp32 reference over the frames, write NAME.parity.npz and the card that names its hash.

    Raises the engine's errors where torch is missing or the weights do not fit.
    """
    reference = create_backend("torch", card, threads=threads)
    images = parity_images()
    outputs = [reference.infer(preprocess(image)[None, None])[0].copy() for image in images]
    reference.close()
    staged = card.parity_path.with_name(card.parity_path.name + ".new")
    ParityFrames.of(card, images, outputs).save(staged)
    proven = replace(card, parity_sha256=sha256_of(staged))
    card_file = card.folder / f"{card.name}.json"
    staged_card = card_file.with_name(card_file.name + ".new")
    staged_card.write_text(proven.to_json(), encoding="utf-8")
    staged.replace(card.parity_path)
    staged_card.replace(card_file)
    return proven
