import numpy as np
import pytest

from engine.errors import ImageRefusedError
from engine.preprocess import CLIP, CONTRAST_FLOOR, normalise, preprocess, to_grey


@pytest.fixture
def scene() -> np.ndarray:
    rng = np.random.default_rng(1)
    image = rng.normal(120, 20, (61, 83)).clip(0, 255).astype(np.uint8)
    image[10:30, 20:40] = 230
    return image


def test_is_the_formula(scene: np.ndarray) -> None:
    grey = scene.astype(np.float32)
    expected = np.clip((grey - np.median(grey)) / max(grey.std(), CONTRAST_FLOOR * 255), -CLIP, CLIP)
    assert np.abs(expected).max() > 1
    np.testing.assert_allclose(normalise(scene), expected, atol=1e-4)


def test_median_of_an_even_number_of_pixels_is_the_mean_of_the_middle_two() -> None:
    image = np.array([[0, 0], [100, 100]], np.uint8)
    np.testing.assert_allclose(normalise(image), [[-1, -1], [1, 1]], atol=1e-6)


def test_16_bit_is_8_bit_scaled(scene: np.ndarray) -> None:
    np.testing.assert_allclose(normalise(scene.astype(np.uint16) * 257), normalise(scene), atol=1e-4)


def test_12_bit_camera_in_16_bit_pixels_has_the_floor_of_12_bits() -> None:
    rng = np.random.default_rng(2)
    flat = rng.normal(2000, 3, (64, 64)).round().astype(np.uint16)
    assert np.abs(normalise(flat)).max() < 1
    np.testing.assert_allclose(normalise(flat).std(), flat.std() / (CONTRAST_FLOOR * 4095), rtol=1e-3)


def test_brightness_and_contrast_do_not_matter(scene: np.ndarray) -> None:
    brighter = (scene // 2 + 90).astype(np.uint8)
    assert np.abs(normalise(brighter) - normalise(scene)).max() < 0.1


def test_a_burned_in_white_bar_does_not_flatten_the_specimen() -> None:
    rng = np.random.default_rng(4)
    film = rng.normal(70, 8, (100, 100)).clip(0, 255).astype(np.uint8)
    film[20:60, 20:60] -= 15
    barred = film.copy()
    barred[90:94, 50:100] = 255  # 2 % of the image
    assert barred.std() > 2 * film.std()
    clear = np.s_[:80]
    np.testing.assert_allclose(normalise(barred)[clear], normalise(film)[clear], atol=0.1)
    np.testing.assert_allclose(
        normalise(barred.astype(np.uint16) * 257)[clear], normalise(barred)[clear], atol=1e-4
    )


def test_an_overexposed_image_keeps_the_contrast_of_all_its_pixels() -> None:
    image = np.full((50, 50), 255, np.uint8)
    image[:10] = 250  # a fifth, and alike: alone they would have no contrast at all
    image[:3] = 30
    expected = np.clip((image.astype(float) - 255) / image.std(), -CLIP, CLIP)
    np.testing.assert_allclose(normalise(image), expected, atol=1e-4)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("value", [0, 77, 255])
def test_constant_image_gives_zeros(dtype: type, value: int) -> None:
    assert (normalise(np.full((20, 30), value, dtype)) == 0).all()


def test_noise_of_an_empty_field_is_not_stretched() -> None:
    noise = np.random.default_rng(3).integers(120, 123, (64, 64)).astype(np.uint8)
    assert np.abs(normalise(noise)).max() < 0.6


def test_colour_is_turned_to_grey(scene: np.ndarray) -> None:
    np.testing.assert_array_equal(to_grey(np.repeat(scene[:, :, None], 3, 2)), scene)
    red = np.zeros((4, 4, 3), np.uint8)
    red[..., 0] = 200
    assert (to_grey(red) == 60).all()  # RGB, not BGR: red weighs 0.299


def test_one_channel_and_strided_views_are_taken(scene: np.ndarray) -> None:
    np.testing.assert_array_equal(to_grey(scene[:, :, None]), scene)
    np.testing.assert_array_equal(preprocess(scene[::2, ::-3]), preprocess(scene[::2, ::-3].copy()))


def test_read_only_images_are_taken_and_left_as_they_are(scene: np.ndarray) -> None:
    before = scene.copy()
    scene.setflags(write=False)
    preprocess(scene)
    np.testing.assert_array_equal(scene, before)


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (np.zeros((8, 8), np.float32), "float32"),
        (np.zeros((8, 8), np.int64), "int64"),
        (np.zeros((8, 8), bool), "bool"),
        (np.zeros((8, 8, 4), np.uint8), r"\(8, 8, 4\)"),
        (np.zeros((0, 8), np.uint8), r"\(0, 8\)"),
        (np.zeros(8, np.uint8), r"\(8,\)"),
    ],
)
def test_others_are_refused_with_value_and_remedy(image: np.ndarray, words: str) -> None:
    with pytest.raises(ImageRefusedError, match=words):
        preprocess(image)
