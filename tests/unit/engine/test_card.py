import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from engine import EngineError, WeightsMismatchError, available_models, load_card
from engine.card import SHIPPED_FOLDER, ModelCard
from engine.errors import CardError, ModelNotFoundError

KINDS = (".json", ".onnx", ".safetensors")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A copy of the default model; gives its card's path."""
    for kind in (*KINDS, ".parity.npz"):
        shutil.copy(SHIPPED_FOLDER / f"default{kind}", tmp_path)
    return tmp_path / "default.json"


def edit(card: Path, **entries: object) -> None:
    value = json.loads(card.read_text(encoding="utf-8"))
    card.write_text(json.dumps(value | entries), encoding="utf-8")


def test_default_is_shipped_and_verified() -> None:
    assert "default" in available_models()
    card = load_card()
    assert card.outputs == ("crystal", "contact")
    assert len(card.positive_weights) == card.network.out_channels
    assert card.licence
    assert card.created
    assert card.training_data
    assert not any("suspension" in data for data in card.training_data)


@pytest.mark.parametrize("kind", KINDS)
def test_is_loaded_from_the_path_of_any_of_its_files(model: Path, kind: str) -> None:
    assert replace(load_card(model.with_suffix(kind)), folder=Path()) == replace(load_card(), folder=Path())


def test_round_trip(model: Path) -> None:
    card = load_card(model)
    assert ModelCard.from_json(card.to_json(), folder=card.folder, origin="test") == card


@pytest.mark.parametrize("kind", [".onnx", ".safetensors", ".parity.npz"])
def test_one_changed_bit_is_refused(model: Path, kind: str) -> None:
    load_card(model)
    weights = model.with_suffix(kind)
    content = bytearray(weights.read_bytes())
    content[len(content) // 2] ^= 1
    weights.write_bytes(content)
    with pytest.raises(WeightsMismatchError, match=r"SHA-256 .*train release"):
        load_card(model)


def test_missing_weights_are_refused(model: Path) -> None:
    model.with_suffix(".onnx").unlink()
    with pytest.raises(ModelNotFoundError, match=r"default\.onnx"):
        load_card(model)


def test_unknown_model_names_what_there_is() -> None:
    with pytest.raises(ModelNotFoundError, match=r"'snowflake'.*default"):
        load_card("snowflake")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"card_format": 2}',
        '{"card_format": 1}',
        '{"card_format": 1, "name": "default"}',
        "7",
    ],
)
def test_what_is_no_card_is_refused(model: Path, text: str) -> None:
    model.write_text(text, encoding="utf-8")
    with pytest.raises(CardError, match=r"default\.json"):
        load_card(model)


@pytest.mark.parametrize(
    "entries",
    [
        {"colour": "blue"},
        {"network": {"depth": 7}},
        {"network": {"activation": "tanh"}},
        {"network": 3},
        {"thresholds": {"crystal": 7}},
        {"thresholds": {"colour": 7}},
        {"positive_weights": 3},
    ],
)
def test_a_card_of_another_making_is_refused(model: Path, entries: dict[str, object]) -> None:
    edit(model, **entries)
    with pytest.raises(CardError):
        load_card(model)


def test_renamed_card_is_refused(model: Path) -> None:
    for kind in KINDS:
        model.with_suffix(kind).rename(model.with_name(f"other{kind}"))
    with pytest.raises(CardError, match=r"rename it to default\.json"):
        load_card(model.with_name("other.json"))


def test_not_text_is_refused(model: Path) -> None:
    model.write_bytes(os.urandom(200) + b"\xff")
    with pytest.raises(EngineError):
        load_card(model)


def test_importing_the_engine_is_light() -> None:
    code = (
        "import sys, engine; print(sorted({'torch', 'openvino', 'safetensors', 'onnx'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
