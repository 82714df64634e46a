"""Speed of the engine against its peers in the same run: back ends with each other, parting with watershed.

Run `python tests/benchmarks/bench_engine.py [--side 1024] [--repeats 5] [--threads 1]`. Each figure is the
least processor time of the repeats, on one thread by default, so that a busy machine disturbs little; the
ratios are what counts.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import cv2
import numpy as np
import torch
from scipy import ndimage
from skimage.feature import peak_local_max
from skimage.segmentation import watershed

from engine import load_card
from engine.backends import create_backend
from engine.postprocess import postprocess
from engine.preprocess import preprocess

Work = Callable[[], object]


def field_of_discs(side: int) -> np.ndarray:
    """About 300 dark discs, some touching, on bright noisy ground: (side, side) uint8."""
    rng = np.random.default_rng(0)
    image = np.full((side, side), 165, np.uint8)
    pitch = side / 18
    for number in range(18 * 18):
        row, column = divmod(number, 18)
        x, y = ((np.array([column, row]) + 0.5) * pitch + rng.integers(-6, 7, 2)).astype(int)
        radius = int(pitch * rng.uniform(0.2, 0.55))
        cv2.circle(image, (int(x), int(y)), radius, 115, -1, cv2.LINE_AA)
        cv2.circle(image, (int(x), int(y)), radius, 60, 3, cv2.LINE_AA)
    return (cv2.GaussianBlur(image, (0, 0), 1) + rng.normal(0, 3, image.shape)).clip(0, 255).astype(np.uint8)


def fastest(works: dict[str, Work], repeats: int) -> dict[str, float]:
    """Processor seconds of the fastest call of each, called in turns, after one call each to warm up."""
    best = dict.fromkeys(works, float("inf"))
    for turn in range(repeats + 1):
        for name, work in works.items():
            start = time.process_time()
            work()
            if turn:
                best[name] = min(best[name], time.process_time() - start)
    return best


def print_table(title: str, seconds: dict[str, float], reference: str) -> None:
    """One line per peer, with the ratio to the reference."""
    print(f"{title}, reference {reference}")
    for name, value in seconds.items():
        print(f"  {name:34} {value * 1e3:9.1f} ms   {seconds[reference] / value:6.2f} x as fast")


def watershed_of(crystal_HW: np.ndarray) -> np.ndarray:
    """What a user would write with scikit-image: watershed on the distance transform."""
    mask = crystal_HW > 0.5
    distance = ndimage.distance_transform_edt(mask)
    peaks = peak_local_max(distance, min_distance=5, labels=mask.astype(int))
    markers = np.zeros(mask.shape, int)
    markers[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
    return watershed(-distance, markers, mask=mask)


def main() -> None:
    """Time preprocessing, network and post-processing of one frame."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=1024)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    card = load_card()
    image = field_of_discs(options.side)
    normalised = preprocess(image)[None, None]
    reference = create_backend("torch", card, threads=options.threads)
    network = reference._network  # type: ignore[attr-defined]
    plain = torch.from_numpy(normalised)
    channels_last = plain.to(memory_format=torch.channels_last)

    @torch.inference_mode()
    def eager(x: torch.Tensor, bf16: bool = False) -> object:
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            return network(x)

    works: dict[str, Work] = {
        "torch eager fp32, weights and image channels_last": lambda: eager(channels_last),
        "torch autocast bf16 channels_last": lambda: eager(channels_last, True),
    }
    for precision in ("f32", "auto"):
        backend = create_backend("openvino", card, threads=options.threads, precision=precision)
        works[backend.describe()] = lambda backend=backend: backend.infer(normalised)
    seconds = fastest(works, options.repeats)
    network = network.to(memory_format=torch.contiguous_format)
    seconds |= fastest({"torch eager fp32": lambda: eager(plain)}, options.repeats)
    print_table(f"Network, {options.side}², {torch.get_num_threads()} threads", seconds, "torch eager fp32")

    probability = create_backend("openvino", card, threads=options.threads).infer(normalised)[0].copy()
    found = postprocess(probability[0], probability[1], card.thresholds)
    print_table(
        f"Parting of {found.labels_HW.max()} crystals",
        fastest(
            {
                "engine.postprocess": lambda: postprocess(probability[0], probability[1], card.thresholds),
                "skimage watershed": lambda: watershed_of(probability[0]),
            },
            options.repeats,
        ),
        "skimage watershed",
    )
    wide = image.astype(np.uint16) * 257

    def numpy_normalise() -> np.ndarray:
        grey = image.astype(np.float32)
        return np.clip((grey - np.median(grey)) / max(grey.std(), 0.015 * 255), -6, 6)

    print_table(
        "Pre-processing",
        fastest(
            {
                "engine.preprocess 8 bit": lambda: preprocess(image),
                "engine.preprocess 16 bit": lambda: preprocess(wide),
                "numpy, as the formula stands": numpy_normalise,
            },
            options.repeats,
        ),
        "numpy, as the formula stands",
    )


if __name__ == "__main__":
    main()
