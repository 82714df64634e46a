"""An engine is code: what is wrong, stale, corrupt, foreign or open to others is refused, and built anew."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("tensorrt_rtx")
pytest.importorskip("onnx")

from engine import load_card
from engine.tensorrt import (
    BuiltEngine,
    EngineCard,
    EngineOrder,
    EngineRefusedError,
    build_engine,
    obtain_engine,
    read_engine,
    write_engine,
)
from engine.tensorrt.building import card_path
from engine.tensorrt.library import library_version, load_library
from engine.tensorrt.shelf import KEPT_FILES
from engine.trust import UntrustedFileError, read_trusted

ORDER = EngineOrder(128, 144, "fp16", (1, 2))
MODEL = load_card()
SOMEBODY = 54321
LIBRARY = library_version(load_library())


@pytest.fixture(scope="module")
def built() -> BuiltEngine:
    return build_engine(MODEL, ORDER)


@pytest.fixture
def engine(built: BuiltEngine, tmp_path: Path) -> Path:
    """A right engine in a folder of its own."""
    folder = tmp_path / "engines"
    folder.mkdir(mode=0o755)
    return write_engine(built, folder)


def read(path: Path) -> BuiltEngine:
    return read_engine(path, MODEL, ORDER, library=LIBRARY, capability="8.6")


def edit(path: Path, **entries: object) -> None:
    value = json.loads(card_path(path).read_text())
    card_path(path).write_text(json.dumps(value | entries))


def obtain(
    folder: Path | None, cache: Path | None, built: BuiltEngine, load: Callable[[bytes], object]
) -> object:
    return obtain_engine(
        MODEL,
        ORDER,
        folders=[folder] if folder else [],
        cache=cache,
        library=LIBRARY,
        capability="8.6",
        build=lambda: built,
        load=load,
    )


def test_what_is_written_is_read_again(engine: Path, built: BuiltEngine) -> None:
    assert read(engine) == built
    assert engine.name == "default-128x144-fp16.engine"
    assert [path.stat().st_mode & 0o777 for path in (engine, card_path(engine))] == [0o644, 0o644]
    assert sorted(path.name for path in engine.parent.iterdir()) == [engine.name, engine.name + ".json"]


def test_the_card_round_trips_and_says_what_is_inside(built: BuiltEngine) -> None:
    card = built.card
    assert EngineCard.from_json(card.to_json(), origin="test") == card
    assert json.loads(card.to_json())["coverage"] == 1.0
    assert (card.weights_sha256, card.onnx_sha256) == (MODEL.safetensors_sha256, MODEL.onnx_sha256)
    assert card.compute_capabilities == ("8.6", "8.9", "12.0")
    assert card.library.startswith("tensorrt_rtx 1.")


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


WRONG: dict[str, tuple[str, Callable[[Path], object]]] = {
    "one bit": ("corrupt", flip),
    "cut short": ("corrupt", lambda path: path.write_bytes(path.read_bytes()[:-1])),
    "empty": ("corrupt", lambda path: path.write_bytes(b"")),
    "no card": ("corrupt", lambda path: card_path(path).unlink()),
    "card is junk": ("corrupt", lambda path: card_path(path).write_bytes(b"\xff\xfe")),
    "card is no JSON": ("corrupt", lambda path: card_path(path).write_text("{")),
    "card is a list": ("corrupt", lambda path: card_path(path).write_text("[]")),
    "card of another format": ("corrupt", lambda path: edit(path, engine_card_format=2)),
    "card says more": ("corrupt", lambda path: edit(path, signed=True)),
    "card has the wrong kind": ("corrupt", lambda path: edit(path, batches=1)),
    "card has a number for a hash": ("corrupt", lambda path: edit(path, engine_sha256=5)),
    "card has numbers for cards": ("corrupt", lambda path: edit(path, compute_capabilities=[8.6])),
    "an operator outside": ("corrupt", lambda path: edit(path, operators_inside=119)),
    "two engines": ("corrupt", lambda path: edit(path, engines=2)),
    "other weights": ("stale", lambda path: edit(path, weights_sha256="0" * 64)),
    "other graph": ("stale", lambda path: edit(path, onnx_sha256="0" * 64)),
    "other shift": ("stale", lambda path: edit(path, positive_weights=[1.0, 1.0])),
    "other model": ("foreign", lambda path: edit(path, model="somebody")),
    "other outputs": ("foreign", lambda path: edit(path, outputs=["contact", "crystal"])),
    "other size": ("foreign", lambda path: edit(path, height_px=256)),
    "other precision": ("foreign", lambda path: edit(path, precision="fp32")),
    "unknown precision": ("foreign", lambda path: edit(path, precision="int3")),
    "no single tiles": ("foreign", lambda path: edit(path, batches=[2])),
    "other version": ("version", lambda path: edit(path, library="tensorrt_rtx 1.0.0.1")),
    "other card": ("capability", lambda path: edit(path, compute_capabilities=["12.0"])),
    "group may write the engine": ("untrusted", lambda path: path.chmod(0o664)),
    "others may write the card": ("untrusted", lambda path: card_path(path).chmod(0o646)),
    "others may write the folder": ("untrusted", lambda path: path.parent.chmod(0o777)),
    "sticky is not enough": ("untrusted", lambda path: path.parent.chmod(0o1777)),
    "others may write above": ("untrusted", lambda path: path.parent.parent.chmod(0o777)),
    "a pipe": ("untrusted", lambda path: (path.unlink(), os.mkfifo(path))),
    "a folder": ("untrusted", lambda path: (path.unlink(), path.mkdir())),
    "a circle of links": ("untrusted", lambda path: (path.unlink(), path.symlink_to(path))),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_engine_is_refused_with_the_reason_and_built_anew(
    name: str, engine: Path, built: BuiltEngine, tmp_path: Path
) -> None:
    assert read(engine) == built, "the control: it is right before"
    reason, spoil = WRONG[name]
    spoil(engine)
    loaded: list[bytes] = []
    with pytest.raises(EngineRefusedError) as refused:
        read(engine)
    assert refused.value.reason == reason
    assert str(engine.parent.parent) in str(refused.value), "it says which file or folder"
    cache = tmp_path.parent / f"{tmp_path.name}-cache"
    obtained = obtain(engine.parent, cache, built, loaded.append)
    assert [refusal.reason for refusal in obtained.refusals] == [reason]
    assert loaded == [built.engine], "what is loaded is the new one"
    assert obtained.path == cache / engine.name
    again = obtain(None, cache, built, loaded.append)
    assert (again.path, again.refusals) == (obtained.path, ()), "and it serves the next start"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
@pytest.mark.parametrize("which", ["engine", "card", "folder", "above"])
def test_what_belongs_to_somebody_else_is_refused(which: str, engine: Path) -> None:
    read(engine)
    path = {
        "engine": engine,
        "card": card_path(engine),
        "folder": engine.parent,
        "above": engine.parent.parent,
    }[which]
    os.chown(path, SOMEBODY, -1)
    with pytest.raises(EngineRefusedError, match=f"belongs to user {SOMEBODY}.*chown root") as refused:
        read(engine)
    assert refused.value.reason == "untrusted"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_daemon_reads_what_root_or_itself_wrote(engine: Path) -> None:
    """Root's file is right for every user; one's own is right for oneself."""
    temporary = Path(tempfile.gettempdir()).resolve()
    for path in engine.resolve().parents:
        if path == temporary:
            break
        path.chmod(
            0o755
        )  # pytest's own folders are closed to others, and lie deeper where tests run side by side
    os.seteuid(SOMEBODY)
    try:
        assert read_trusted(engine)
    finally:
        os.seteuid(0)
    os.chown(engine, SOMEBODY, -1)
    os.seteuid(SOMEBODY)
    try:
        assert read_trusted(engine)
    finally:
        os.seteuid(0)


def test_a_link_is_judged_by_what_it_leads_to(engine: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.engine"
    link.symlink_to(engine)
    assert read_trusted(link) == engine.read_bytes()
    engine.parent.chmod(0o777)
    with pytest.raises(UntrustedFileError):
        read_trusted(link)


def test_no_engine_is_no_refusal(tmp_path: Path, built: BuiltEngine) -> None:
    with pytest.raises(FileNotFoundError):
        read_trusted(tmp_path / "none.engine")
    obtained = obtain(tmp_path / "nowhere", None, built, len)
    assert (obtained.refusals, obtained.path, obtained.loaded) == ((), None, len(built.engine))


def test_an_engine_that_the_library_refuses_is_built_anew(engine: Path, built: BuiltEngine) -> None:
    answers = iter([EngineRefusedError("version", "It was made by another driver."), None])

    def load(content: bytes) -> str:
        answer = next(answers)
        if answer is not None:
            raise answer
        return "loaded"

    obtained = obtain(engine.parent, None, built, load)
    assert obtained.loaded == "loaded"
    assert [refusal.reason for refusal in obtained.refusals] == ["version"]


def test_a_cache_that_cannot_be_written_costs_only_time(
    built: BuiltEngine, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    obtained = obtain(None, tmp_path / "cache", built, lambda content: "loaded")
    assert (obtained.loaded, obtained.path) == ("loaded", None)
    assert "cannot be kept" in caplog.text


def test_the_first_right_engine_is_taken(engine: Path, built: BuiltEngine, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    shutil.copytree(engine.parent, cache)
    assert obtain(engine.parent, cache, built, lambda content: None).path == engine
    flip(engine)
    assert obtain(engine.parent, cache, built, lambda content: None).path == cache / engine.name


def test_the_cache_keeps_the_newest_engines(built: BuiltEngine, tmp_path: Path) -> None:
    cards = [replace(built.card, model=f"model{number}") for number in range(KEPT_FILES + 3)]
    for number, card in enumerate(cards):
        path = write_engine(BuiltEngine(b"engine", card), tmp_path)
        os.utime(path, (number, number))
        (tmp_path / f"{number}.kernels").write_bytes(b"kernels")
        os.utime(tmp_path / f"{number}.kernels", (number, number))
    obtained = obtain(None, tmp_path, built, lambda content: None)
    kept = sorted(tmp_path.glob("*.engine"))
    assert len(kept) == len(list(tmp_path.glob("*.kernels"))) == KEPT_FILES
    assert obtained.path in kept
    assert sorted(tmp_path.glob("*.engine.json")) == sorted(map(card_path, kept))
