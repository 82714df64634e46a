import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from engine import Segmenter
from engine.cache import KEPT_FILES, cache_folder, tidy
from engine.errors import BackendError
from engine.tensorrt.shelf import tidy as tidy_engines


def test_a_second_start_finds_what_the_first_compiled(tmp_path: Path) -> None:
    for _ in range(2):
        segmenter = Segmenter(threads=1, cache=tmp_path / "made")
        segmenter.prepare(128, 128)
        segmenter.close()
        # One for these frames, one for those of the parity gate.
        assert len(list((tmp_path / "made").rglob("*.blob"))) == 2
        assert len(list((tmp_path / "made" / "parity").iterdir())) == 1


def test_a_damaged_graph_in_the_cache_does_no_harm(tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 255, (128, 128)).astype(np.uint8)
    expected = Segmenter(threads=1, cache=tmp_path).segment(image).probability_HW
    blobs = list(tmp_path.rglob("*.blob"))
    assert blobs
    for blob in blobs:
        blob.write_bytes(blob.read_bytes()[:5000])
    found = Segmenter(threads=1, cache=tmp_path).segment(image).probability_HW
    np.testing.assert_array_equal(found, expected)


def test_follows_systemd_then_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("CACHE_DIRECTORY", raising=False)
    assert cache_folder(None) == tmp_path / "crystal-monitor" / "engine"
    monkeypatch.setenv("CACHE_DIRECTORY", f"{tmp_path / 'a'}:{tmp_path / 'b'}")
    assert cache_folder(None) == tmp_path / "a" / "engine"
    assert cache_folder(tmp_path / "named") == tmp_path / "named"


def test_a_folder_that_cannot_be_made_is_an_error_only_if_it_was_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    monkeypatch.delenv("CACHE_DIRECTORY", raising=False)
    assert cache_folder(None) is None
    with pytest.raises(BackendError, match=r"compiled models .*file.* cannot be used"):
        cache_folder(tmp_path / "file" / "below")


def test_what_is_made_can_be_trusted_whatever_the_users_umask(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("CACHE_DIRECTORY", raising=False)
    before = os.umask(0o002)
    try:
        (tmp_path / "control").mkdir()
        folder = cache_folder(None)
    finally:
        os.umask(before)
    assert (tmp_path / "control").stat().st_mode & 0o777 == 0o775, "the control: the group may write"
    assert folder is not None
    for made in (folder, folder.parent, tmp_path / "cache"):
        assert made.stat().st_mode & 0o777 == 0o755


def test_only_the_newest_are_kept(tmp_path: Path) -> None:
    for age in range(KEPT_FILES + 5):
        path = tmp_path / f"{age}.blob"
        path.write_text("")
        os.utime(path, (1_000_000 - age, 1_000_000 - age))
    (tmp_path / "other.txt").write_text("")
    tidy(tmp_path)
    kept = {path.name for path in tmp_path.iterdir()}
    assert kept == {f"{age}.blob" for age in range(KEPT_FILES)} | {"other.txt"}


@pytest.mark.parametrize(("clean", "ending"), [(tidy, "blob"), (tidy_engines, "engine")])
def test_what_cannot_be_deleted_stops_nothing(
    clean: Callable[[Path], None], ending: str, tmp_path: Path
) -> None:
    for number in range(KEPT_FILES + 1):
        (tmp_path / f"{number}.{ending}").mkdir()
    with pytest.raises(OSError, match=r"0\."):  # the control
        (tmp_path / f"0.{ending}").unlink()
    clean(tmp_path)
