"""A manifest notices every change; a split never leaks."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from train.command_line import main
from train.data.manifest import Entry, Layout, Manifest, Origin, check, group_of, make_manifest, read_manifest
from train.data.splits import Fold, make_splits, read_splits, verify, write_splits
from train.errors import TrainingError

from .conftest import picture

PERSON = Origin(source="the tests", licence="MIT", label_source="person", may_ship=True)


def _manifest(groups: list[str]) -> Manifest:
    entries = tuple(
        Entry(
            name=f"f{number:02d}.png",
            group=group,
            image_sha256=f"file {number}",
            pixels_sha256=f"pixels {number}",
            labels_sha256=f"labels {number}",
            height_px=8,
            width_px=8,
            bodies=1,
        )
        for number, group in enumerate(groups)
    )
    return Manifest(
        name="set", layout=Layout(format="masks"), origin=PERSON, grouped_by="frame", entries=entries
    )


def _made(sets, **given):
    rest = {"source": "the tests", "licence": "MIT", "label_source": "simulation", "may_ship": True}
    return make_manifest("small", sets / "coco", Layout(format="coco"), Origin(**(rest | given)))


def test_the_manifest_says_what_is_there(sets):
    manifest = _made(sets)
    assert [entry.bodies for entry in manifest.entries] == [2, 2, 2]
    assert len({entry.pixels_sha256 for entry in manifest.entries}) == 3
    assert check(manifest, sets / "coco") == []


def test_a_set_without_a_licence_may_not_ship(sets):
    assert not _made(sets, licence="none stated", may_ship=False).origin.may_ship
    with pytest.raises(ValueError, match="without a licence"):
        _made(sets, licence="none stated")
    with pytest.raises(TrainingError, match="labels come from 'none'"):
        _made(sets, label_source="none")


def test_a_changed_image_label_and_an_image_more_are_noticed(sets):
    manifest = _made(sets)
    folder = sets / "coco" / "images"
    image = picture(0)
    image[0, 0] ^= 1
    cv2.imwrite(str(folder / "scene_0.png"), image)
    assert check(manifest, sets / "coco") == [
        "images/scene_0.png: the image has changed since the manifest was made"
    ]
    text = (sets / "coco" / "annotations.json").read_text()
    (sets / "coco" / "annotations.json").write_text(text.replace("[[5, 5,", "[[6, 5,"))
    assert any(
        "scene_1.png: the labels have changed" in problem for problem in check(manifest, sets / "coco")
    )


def test_the_same_picture_in_two_groups_is_noticed(sets):
    folder = sets / "masks"
    cv2.imwrite(str(folder / "images" / "scene_1.png"), picture(0))
    apart = make_manifest("m", folder, Layout(format="masks"), PERSON)
    assert any("the same picture as images/scene_0.png" in problem for problem in check(apart, folder))
    together = make_manifest("m", folder, Layout(format="masks"), PERSON, "folder")
    assert check(together, folder) == []


def test_groups_by_frame_folder_and_pattern():
    assert group_of("a/b_01.png", "frame") == "a/b_01.png"
    assert group_of("a/b_01.png", "folder") == "a"
    assert group_of("a/b_01.png", r"/(\w)_") == "b"
    for pattern in (r"/\w_", r"(x)", r"("):
        with pytest.raises(TrainingError, match="group"):
            group_of("a/b_01.png", pattern)


@pytest.mark.parametrize("seed", range(20))
def test_no_split_leaks_and_every_image_is_tested_once(seed):
    rng = np.random.default_rng(seed)
    manifest = _manifest([f"run {rng.integers(9)}" for _ in range(40)])
    splits = make_splits(manifest, 4, seed, validation_groups=2)
    group = {entry.name: entry.group for entry in manifest.entries}
    for fold in splits.folds:
        parts = [{group[name] for name in part} for part in (fold.train, fold.validation, fold.test)]
        assert not parts[0] & parts[1]
        assert not parts[0] & parts[2]
        assert not parts[1] & parts[2]
    tested = sorted(name for fold in splits.folds for name in fold.test)
    assert tested == sorted(group)


def test_a_split_is_the_same_again_and_another_with_another_seed():
    manifest = _manifest([f"g{n}" for n in range(12)])
    assert make_splits(manifest, 3, 5) == make_splits(manifest, 3, 5)
    assert make_splits(manifest, 3, 5) != make_splits(manifest, 3, 6)


def _with(splits, fold):
    return splits.model_copy(update={"folds": (fold, *splits.folds[1:])})


def test_every_kind_of_leak_is_refused():
    manifest = _manifest(["a", "a", "b", "c", "d", "e"])
    splits = make_splits(manifest, 3, 0)
    first = splits.folds[0]
    verify(splits, manifest)
    copied = Fold(train=(*first.train, first.test[0]), validation=first.validation, test=first.test)
    with pytest.raises(TrainingError, match="fold 0 leaks"):
        verify(_with(splits, copied), manifest)
    parted = Fold(train=("f00.png", "f03.png"), validation=(), test=("f01.png", "f02.png"))
    with pytest.raises(TrainingError, match="its group a in train"):
        verify(_with(splits, parted), manifest)
    entries = tuple(
        entry.model_copy(update={"pixels_sha256": "pixels 2"}) if entry.name == "f03.png" else entry
        for entry in manifest.entries
    )
    doubled = manifest.model_copy(update={"entries": entries})
    twice = Fold(train=("f02.png", "f04.png"), validation=(), test=("f03.png",))
    stamped = _with(splits, twice).model_copy(update={"manifest_sha256": doubled.sha256()})
    with pytest.raises(TrainingError, match="the same picture in train"):
        verify(stamped, doubled)
    untested = splits.model_copy(update={"folds": splits.folds[:-1]})
    with pytest.raises(TrainingError, match="exactly one fold"):
        verify(untested, manifest)


def test_a_split_of_another_manifest_is_refused(tmp_path):
    manifest = _manifest(["a", "b", "c", "d"])
    write_splits(make_splits(manifest, 2, 0), tmp_path / "s.json")
    assert read_splits(tmp_path / "s.json", manifest).seed == 0
    with pytest.raises(TrainingError, match="another state"):
        read_splits(tmp_path / "s.json", _manifest(["a", "b", "c", "e"]))
    with pytest.raises(TrainingError, match="cannot make 9 folds"):
        make_splits(manifest, 9, 0)


def test_the_commands(sets, capsys):
    out = sets / "small.json"
    arguments = ["--name", "small", "--source", "tests", "--licence", "MIT", "--label-source", "simulation"]
    assert main(["data", "manifest", "coco", str(sets / "coco"), "--out", str(out), *arguments]) == 0
    assert "3 images in 3 groups, 6 labelled bodies" in capsys.readouterr().out
    assert main(["data", "check", str(out), "--root", str(sets / "coco")]) == 0
    assert main(["data", "split", str(out), "--folds", "3", "--out", str(sets / "folds.json")]) == 0
    assert read_splits(sets / "folds.json", read_manifest(out)).folds[0].test
    cv2.imwrite(str(sets / "coco" / "images" / "scene_0.png"), picture(7))
    assert main(["data", "check", str(out), "--root", str(sets / "coco")]) == 2
    assert "1 problems in set small" in capsys.readouterr().err
    arguments[5] = "none stated"
    assert (
        main(["data", "manifest", "coco", str(sets / "coco"), "--out", str(out), *arguments, "--may-ship"])
        == 2
    )
    assert "without a licence" in capsys.readouterr().err
    assert main(["data", "check", str(sets / "none.json"), "--root", str(sets)]) == 2
