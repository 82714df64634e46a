"""The contract that every back end keeps, and what they have in common."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt


class SegmentationBackend(Protocol):
    """Runs one model on one machine. A closed set: `create_backend` gives one by name.

    Order: `infer` may be called at once; `prepare` beforehand takes the compile time out of the first
    frame. Thread: one back end belongs to one thread at a time; it may use several inside, and may be
    made ready in another thread than the one it then serves in. After `close`, which raises nothing,
    `infer` and `prepare` raise BackendError. Failures are BackendError with cause and remedy; there is
    no fallback to another back end: that is the line-up's business.
    """

    def describe(self) -> str:
        """Name and precision of what really runs, such as `openvino bf16`."""
        ...

    def prepare(self, height: int, width: int) -> None:
        """Compile for frames of this size, px, multiples of the network's stride."""
        ...

    def infer(self, image_BCHW: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Calibrated probabilities 0…1 (B, C, H, W) float32 of normalised images (B, 1, H, W) float32.

        H and W are multiples of the network's stride. The loss's positive weight is undone already. The
        array that is returned may be overwritten by the next call.
        """
        ...

    def take_notices(self) -> tuple[str, ...]:
        """What people should know of how it was made ready, each once: a compiled file that was refused, and why."""
        ...

    def close(self) -> None:
        """Free what the back end holds; may be called twice."""
        ...


def logit_shifts(positive_weights: tuple[float, ...]) -> tuple[float, ...]:
    """What to subtract from each output's logit to undo its positive weight w.

    p / (p + w·(1 - p)) with p = sigmoid(z) is sigmoid(z - ln w).
    """
    return tuple(float(np.log(weight)) for weight in positive_weights)
