"""Whatever stands in an engine's card, it is right or refused: never another error, never another engine."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from engine import load_card
from engine.tensorrt import EngineCard, EngineOrder, EngineRefusedError

MODEL = load_card()
ORDER = EngineOrder(1024, 1024)
LIBRARY = "tensorrt_rtx 1.6.1.120"
RIGHT = EngineCard(
    model=MODEL.name,
    weights_sha256=MODEL.safetensors_sha256,
    onnx_sha256=MODEL.onnx_sha256,
    positive_weights=MODEL.positive_weights,
    engine_sha256="0" * 64,
    engine_bytes=1,
    precision="fp16",
    height_px=1024,
    width_px=1024,
    batches=(1, 4),
    outputs=MODEL.outputs,
    compute_capabilities=("8.6",),
    library=LIBRARY,
    built_with="onnx",
    exported_operators=441,
    operators=120,
    operators_inside=120,
    engines=1,
    network_layers=258,
    build_s=1.0,
    created="2026-11-23T00:00:00+00:00",
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
NAMES = [entry.name for entry in fields(EngineCard)]
DECIDING = {
    "model", "weights_sha256", "onnx_sha256", "positive_weights", "precision", "height_px", "width_px", "outputs",
    "library",
}  # fmt: skip


def judge(text: str) -> EngineCard | None:
    """The card, if it is read and is the one that is wanted; None where it is refused."""
    try:
        card = EngineCard.from_json(text, origin="test")
        card.check(MODEL, ORDER, library=LIBRARY, capability="8.6", origin="test")
    except EngineRefusedError:
        return None
    return card


def test_the_right_card_is_right() -> None:
    assert judge(RIGHT.to_json()) == RIGHT


@given(st.text() | JSON.map(json.dumps))
def test_junk_is_refused(text: str) -> None:
    assert judge(text) is None


@settings(max_examples=300)
@given(st.dictionaries(st.sampled_from(NAMES), JSON, min_size=1, max_size=4))
def test_one_entry_in_the_wrong_place_is_refused_or_makes_no_difference(entries: dict[str, Any]) -> None:
    found = judge(json.dumps(json.loads(RIGHT.to_json()) | entries))
    if found is not None:
        for name in DECIDING & set(entries):
            assert getattr(found, name) == getattr(RIGHT, name)
        assert 1 in found.batches
        assert "8.6" in found.compute_capabilities
        assert (found.operators_inside, found.engines) == (found.operators, 1)


@given(st.sampled_from(NAMES))
def test_a_missing_entry_is_refused(name: str) -> None:
    value = json.loads(RIGHT.to_json())
    del value[name]
    assert judge(json.dumps(value)) is None


def test_the_control_each_deciding_entry_decides() -> None:
    for name in DECIDING:
        value = getattr(RIGHT, name)
        other = value + 16 if isinstance(value, int) else value[:-1]
        assert judge(replace(RIGHT, **{name: other}).to_json()) is None, name
