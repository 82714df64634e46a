"""Frames that travel with the weights, and what the fp32 reference made of them: NAME.parity.npz."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.card import ModelCard
from engine.errors import CardError, WeightsMismatchError

FORMAT = 1
STEPS = 1023
"""Reference probabilities are stored in this many steps: a crystal's area moves by less than 0.01 px²."""
_REMEDY = "Make them anew with `python -m train parity --weights CARD`."

GreyImage = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]


@dataclass(frozen=True, eq=False)
class ParityFrames:
    """Frames of one size, 8 and 16 bit, with the reference's calibrated probabilities."""

    weights_sha256: str
    """SHA-256 of the safetensors weights that the reference ran."""
    images: tuple[GreyImage, ...]
    """Grey images (H, W), uint8 or uint16."""
    reference: npt.NDArray[np.uint16]
    """Probabilities (N, C, H, W) of the reference, in steps of 1/STEPS."""

    @classmethod
    def of(
        cls,
        card: ModelCard,
        images: Sequence[GreyImage],
        probability_CHW: Sequence[npt.NDArray[np.float32]],
    ) -> ParityFrames:
        """Put images and the reference's probabilities (C, H, W), 0…1, together; 8-bit images come first."""
        order = sorted(range(len(images)), key=lambda index: images[index].dtype.itemsize)
        steps = [np.rint(probability_CHW[index] * STEPS).astype(np.uint16) for index in order]
        return cls(card.safetensors_sha256, tuple(images[index] for index in order), np.stack(steps))

    def __iter__(self) -> Iterator[tuple[GreyImage, npt.NDArray[np.float32]]]:
        """Each image (H, W) with its reference probabilities (C, H, W) float32."""
        for image_HW, steps_CHW in zip(self.images, self.reference, strict=True):
            yield image_HW, steps_CHW.astype(np.float32) / np.float32(STEPS)

    def save(self, path: Path) -> None:
        """Write the file; the same content gives the same bytes."""
        by_depth: dict[str, Any] = {
            name: np.stack([image for image in self.images if image.dtype == kind])
            for name, kind in (("images_8_bit", np.uint8), ("images_16_bit", np.uint16))
            if any(image.dtype == kind for image in self.images)
        }
        stream = io.BytesIO()
        np.savez_compressed(
            stream,
            format=np.int64(FORMAT),
            weights_sha256=np.bytes_(self.weights_sha256.encode()),
            reference=self.reference,
            **by_depth,
        )
        path.write_bytes(stream.getvalue())

    @classmethod
    def load(cls, card: ModelCard) -> ParityFrames:
        """Read the frames of a card whose hashes `load_card` has verified; nothing that is read is executed.

        Raises CardError where the model has none or the file is damaged, WeightsMismatchError where they
        were made with other weights.
        """
        if not card.parity_sha256:
            raise CardError(
                f"The model {card.name!r} has no parity frames, and no back end serves before it has shown on them "
                f"that it computes what the reference computes. {_REMEDY}"
            )
        path = card.parity_path
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
                if int(stored["format"]) != FORMAT:
                    raise ValueError(f"format {int(stored['format'])}, not {FORMAT}")
                images = tuple(
                    image
                    for name in ("images_8_bit", "images_16_bit")
                    if name in stored
                    for image in stored[name]
                )
                frames = cls(bytes(stored["weights_sha256"]).decode(), images, stored["reference"])
        except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile) as error:
            raise CardError(f"The parity frames {path} cannot be read ({error}). {_REMEDY}") from error
        if frames.weights_sha256 != card.safetensors_sha256:
            raise WeightsMismatchError(
                f"The parity frames {path} were made with the weights {frames.weights_sha256[:16]}…, "
                f"the card says {card.safetensors_sha256[:16]}…. {_REMEDY}"
            )
        expected = (len(images), len(card.outputs))
        if not images or frames.reference.shape[:2] != expected:
            raise CardError(
                f"The parity frames {path} hold {frames.reference.shape} probabilities for {expected[0]} images and "
                f"{expected[1]} outputs. {_REMEDY}"
            )
        return frames
