"""Settings of the alert rules and of where alerts are sent."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from monitor.records.vocabulary import Severity
from monitor.settings.base import SettingsModel
from monitor.settings.delivery import DeliverySettings
from monitor.settings.sinks import LogSinkSettings, SinkSettings

Direction = Literal["above", "below"]


class _Rule(SettingsModel):
    """What all rules have."""

    name: str = Field(min_length=1, max_length=80)
    """The rule's name, unique; it stands in the alert and in `event_log`."""
    for_s: float = Field(default=0.0, ge=0)
    """How long the condition must hold without a break before the rule fires, and its opposite before it
    clears, seconds."""
    cooldown_s: float = Field(default=300.0, ge=0)
    """After firing the rule does not fire again in the same field for this long, seconds."""
    fields: tuple[str, ...] = ()
    """Fields (wells, drops, stage positions) that it watches; empty: all."""
    severity: Severity = Severity.WARNING
    """How much it matters: `info`, `warning` or `critical` (see `delivery.remind_every_s`). Unless set: `info` for
    nucleation, ripening and complete, `critical` for blind and engine, else `warning`."""

    @property
    def clears_after_s(self) -> float:
        """How long the opposite must hold before the rule clears, seconds."""
        return self.for_s


class _LimitRule(_Rule):
    """What rules with a limit have besides: a value that flickers about it makes one alert and one recovery.

    Unless a clear limit is set, it lies a tenth of the limit on the quiet side.
    """

    clear_for_s: float = Field(default=120.0, ge=0)
    """How long the value must be back across the clear limit without a break before the rule clears, seconds; never
    shorter than `for_s`."""

    @property
    def clears_after_s(self) -> float:
        """How long the opposite must hold before the rule clears, seconds."""
        return max(self.for_s, self.clear_for_s)


class GrowthRateRule(_LimitRule):
    """Crystals grow faster or slower than they should; judged by the confidence limit, so that noise does not
    fire.

    Give the limit either in µm/s or in px/s.
    """

    kind: Literal["growth_rate"] = "growth_rate"
    """The kind of rule."""
    direction: Direction = "above"
    """`above` fires when the lower 95 % limit of a rate is above the limit, `below` when the upper is below
    it."""
    limit_um_per_s: float | None = None
    """Limit of the rate of the equivalent diameter, µm/s; needs a calibration."""
    clear_um_per_s: float | None = None
    """The rule clears when the rate is back across this, µm/s; a tenth inside the limit unless set."""
    limit_px_per_s: float | None = None
    """Limit of the rate of the equivalent diameter, px/s."""
    clear_px_per_s: float | None = None
    """The rule clears when the rate is back across this, px/s; a tenth inside the limit unless set."""
    of: Literal["any", "median"] = "median"
    """`any`: one crystal is enough; `median`: the median crystal."""

    @model_validator(mode="after")
    def _one_unit(self) -> Self:
        if (self.limit_um_per_s is None) == (self.limit_px_per_s is None):
            raise ValueError(f"alert rule {self.name!r}: give either limit_um_per_s or limit_px_per_s")
        return self


class NucleationRule(_Rule):
    """Crystals are born."""

    kind: Literal["nucleation"] = "nucleation"
    """The kind of rule."""
    severity: Severity = Severity.INFO
    """How much it matters."""
    limit_births: int = Field(default=1, ge=1)
    """Fires at this many births within the kinetics' window (1: at the first)."""
    first_only: bool = True
    """Whether only the run's first births fire; else each new burst does, after the cool-down."""


class CountRule(_LimitRule):
    """The number of crystals crosses a limit."""

    kind: Literal["count"] = "count"
    """The kind of rule."""
    direction: Direction = "above"
    """Which side fires."""
    limit_count: float = Field(ge=0)
    """Number of confirmed crystals in view."""
    clear_count: float | None = Field(default=None, ge=0)
    """The rule clears when the number is back across this; a tenth inside the limit unless set, at least one crystal
    where the limit is 3 or more."""


class CoverageRule(_LimitRule):
    """The crystallised fraction of the field crosses a limit."""

    kind: Literal["coverage"] = "coverage"
    """The kind of rule."""
    direction: Direction = "above"
    """Which side fires."""
    limit_fraction: float = Field(ge=0, le=1)
    """Crystal area over reference area, 0 to 1."""
    clear_fraction: float | None = Field(default=None, ge=0, le=1)
    """The rule clears when the fraction is back across this; a tenth inside the limit unless set."""


class SizeRule(_LimitRule):
    """A size (area-equivalent diameter) crosses a limit. Give it either in µm or in px."""

    kind: Literal["size"] = "size"
    """The kind of rule."""
    direction: Direction = "above"
    """Which side fires."""
    of: Literal["largest", "median", "mean"] = "largest"
    """Which of the sizes of the crystals in view; those at the border count for `largest` only."""
    limit_um: float | None = Field(default=None, gt=0)
    """Equivalent diameter, µm; needs a calibration."""
    clear_um: float | None = Field(default=None, gt=0)
    """The rule clears when the size is back across this, µm; a tenth inside the limit unless set."""
    limit_px: float | None = Field(default=None, gt=0)
    """Equivalent diameter, px."""
    clear_px: float | None = Field(default=None, gt=0)
    """The rule clears when the size is back across this, px; a tenth inside the limit unless set."""

    @model_validator(mode="after")
    def _one_unit(self) -> Self:
        if (self.limit_um is None) == (self.limit_px is None):
            raise ValueError(f"alert rule {self.name!r}: give either limit_um or limit_px")
        return self


class StalledRule(_LimitRule):
    """Crystals are there, the run is not complete, and nothing grows."""

    kind: Literal["stalled"] = "stalled"
    """The kind of rule."""
    limit_relative_per_s: float = Field(default=1e-5, gt=0)
    """Fires when the relative rate of the total area is below this by its confidence limit, 1/s."""
    clear_relative_per_s: float | None = Field(default=None, gt=0)
    """The rule clears when the rate's limit is back above this, 1/s; twice the limit unless set."""


class RipeningRule(_Rule):
    """The field is ripening: fewer, larger crystals while the total area does not grow."""

    kind: Literal["ripening"] = "ripening"
    """The kind of rule."""
    severity: Severity = Severity.INFO
    """How much it matters."""


class DissolvingRule(_Rule):
    """The crystals dissolve."""

    kind: Literal["dissolving"] = "dissolving"
    """The kind of rule."""


class CompleteRule(_Rule):
    """The crystallization is complete."""

    kind: Literal["complete"] = "complete"
    """The kind of rule."""
    severity: Severity = Severity.INFO
    """How much it matters."""


class BlindRule(_Rule):
    """No good frame for a while: see `completion.blind_after_s`."""

    kind: Literal["blind"] = "blind"
    """The kind of rule."""
    severity: Severity = Severity.CRITICAL
    """How much it matters."""


class SlowRule(_LimitRule):
    """The analysis takes longer than its interval."""

    kind: Literal["slow"] = "slow"
    """The kind of rule."""
    limit_load: float = Field(default=1.0, gt=0)
    """Duration of the analysis of a frame over the configured interval; dimensionless."""
    clear_load: float | None = Field(default=None, gt=0)
    """The rule clears when the load is back below this; 0.9 of the limit unless set."""


class EngineRule(_Rule):
    """The back end that should run the network does not: it was lost or refused, or none is left."""

    kind: Literal["engine"] = "engine"
    """The kind of rule."""
    severity: Severity = Severity.CRITICAL
    """How much it matters."""


AlertRule = Annotated[
    GrowthRateRule
    | NucleationRule
    | CountRule
    | CoverageRule
    | SizeRule
    | StalledRule
    | RipeningRule
    | DissolvingRule
    | CompleteRule
    | BlindRule
    | SlowRule
    | EngineRule,
    Field(discriminator="kind"),
]


def _default_rules() -> tuple[AlertRule, ...]:
    return (
        NucleationRule(name="first crystal"),
        CompleteRule(name="complete"),
        RipeningRule(name="ripening", cooldown_s=3600.0),
        DissolvingRule(name="dissolving", cooldown_s=3600.0),
        BlindRule(name="blind"),
        SlowRule(name="slow analysis", for_s=30.0, cooldown_s=3600.0),
        EngineRule(name="engine"),
    )


class AlertSettings(SettingsModel):
    """Which alerts there are and where they go."""

    rules: tuple[AlertRule, ...] = Field(default_factory=_default_rules)
    """The alert rules; setting any replaces the default ones (first crystal, complete, ripening, dissolving,
    blind, slow analysis, engine)."""
    sinks: tuple[SinkSettings, ...] = (LogSinkSettings(name="log"),)
    """Where alerts are sent after they are stored."""
    delivery: DeliverySettings = DeliverySettings()
    """How they come there."""

    @model_validator(mode="after")
    def _distinct_names(self) -> Self:
        _refuse_twice("alert rules", [rule.name for rule in self.rules])
        _refuse_twice("alert sinks", [sink.name for sink in self.sinks])
        return self


def _refuse_twice(what: str, names: list[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"{what} need distinct names; used more than once: {', '.join(twice)}")
