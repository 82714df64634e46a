import numpy as np
import pytest

from engine.tiling import SMALLEST_SIDE_PX, infer_tiled, plan, plan_axis

STRIDE = 16


def identity(image_BCHW: np.ndarray) -> np.ndarray:
    assert image_BCHW.shape[2] % STRIDE == image_BCHW.shape[3] % STRIDE == 0
    return np.concatenate([image_BCHW, 1 - image_BCHW], 1)


@pytest.mark.parametrize(
    "shape", [(1, 1), (5, 700), (37, 41), (128, 128), (991, 1194), (300, 4000), (2000, 2224), (1500, 2101)]
)
def test_any_size_comes_back_as_it_went_in(shape: tuple[int, int]) -> None:
    image = np.random.default_rng(0).random(shape, np.float32)
    axes = plan(*shape, tile=512, overlap=64, stride=STRIDE, whole_area=1_300_000)
    result = infer_tiled(image, axes, identity)
    assert result.shape == (2, *shape)
    np.testing.assert_allclose(result[0], image, atol=1e-6)
    np.testing.assert_allclose(result[1], 1 - image, atol=1e-6)


def test_small_frames_go_in_one_piece_and_large_ones_in_tiles() -> None:
    rows, columns = plan(991, 1194, tile=1024, overlap=128, stride=STRIDE)
    assert (rows.size, columns.size) == (992, 1200)
    assert rows.starts == columns.starts == (0,)
    rows, columns = plan(2000, 2224, tile=1024, overlap=128, stride=STRIDE)
    assert len(rows.starts) == 3
    assert rows.size <= 1024
    assert rows.size % STRIDE == columns.size % STRIDE == 0


def test_tiles_overlap_as_asked_and_end_with_the_frame() -> None:
    axis = plan_axis(5000, 1024, 128, STRIDE)
    starts = np.array(axis.starts)
    assert starts[0] == 0
    assert starts[-1] + axis.size == 5000
    assert (starts[:-1] + axis.size - starts[1:] >= 128).all()


def test_small_frames_are_padded() -> None:
    assert plan_axis(3, 1024, 128, STRIDE).size == SMALLEST_SIDE_PX


def test_seam_shows_no_step_even_when_tiles_disagree() -> None:
    calls = iter(range(100))

    def disagreeing(image_BCHW: np.ndarray) -> np.ndarray:
        return np.full_like(image_BCHW, 0.4 + 0.2 * (next(calls) % 2))

    axes = plan(128, 1000, tile=512, overlap=128, stride=STRIDE, whole_area=1)
    assert len(axes[1].starts) > 1
    row = infer_tiled(np.zeros((128, 1000), np.float32), axes, disagreeing)[0, 64]
    assert row.max() - row.min() > 0.19
    assert np.abs(np.diff(row)).max() < 0.006


def test_result_is_not_the_back_ends_buffer() -> None:
    buffer = np.zeros((1, 2, 128, 128), np.float32)
    result = infer_tiled(
        np.zeros((128, 128), np.float32),
        plan(128, 128, tile=512, overlap=64, stride=STRIDE),
        lambda image_BCHW: buffer,
    )
    buffer += 1
    assert (result == 0).all()
