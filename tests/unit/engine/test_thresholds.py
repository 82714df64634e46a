import pytest

from engine.thresholds import Thresholds


def test_round_trip() -> None:
    thresholds = Thresholds(crystal=0.4, seed_area_px=9)
    assert Thresholds.from_json(thresholds.to_json()) == thresholds


def test_unknown_and_impossible_are_refused() -> None:
    with pytest.raises(ValueError, match="colour"):
        Thresholds.from_json({"colour": 1})
    with pytest.raises(ValueError, match=r"contact is 1\.5"):
        Thresholds.from_json({"contact": 1.5})
