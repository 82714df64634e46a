from __future__ import annotations

import pytest
from pydantic import BaseModel, ValidationError

from monitor.settings.simulation import GrowthPhysics, Merging, Nucleation, Optics, SimulationSettings
from monitor.simulation import PRESETS


@pytest.mark.parametrize("model", [SimulationSettings, GrowthPhysics, Nucleation, Merging, Optics])
def test_every_field_is_described(model: type[BaseModel]) -> None:
    assert [name for name, field in model.model_fields.items() if not field.description] == []


def test_presets_survive_json() -> None:
    for settings in PRESETS.values():
        assert SimulationSettings.model_validate_json(settings.model_dump_json()) == settings


def test_a_misspelt_key_is_refused() -> None:
    with pytest.raises(ValidationError, match="sead"):
        SimulationSettings.model_validate({"sead": 3})


def test_a_field_that_drifts_away_is_refused() -> None:
    with pytest.raises(ValidationError, match="lower drift_um_per_s"):
        SimulationSettings(optics=Optics(drift_um_per_s=1.0))


def test_no_habit_is_refused() -> None:
    with pytest.raises(ValidationError, match="name at least one"):
        SimulationSettings(habits=())
