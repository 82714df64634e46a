"""Settings of how alerts come to the sinks: repetition, floods, reminders, pictures."""

from __future__ import annotations

from typing import Self

from pydantic import Field, PositiveFloat, model_validator

from monitor.settings.base import SettingsModel


class SummarySettings(SettingsModel):
    """When many alerts of one rule are put together in one message that says how many, which, and the worst."""

    more_than: int = Field(default=5, ge=0)
    """So many alerts of a rule, of whatever field or crystal, go out one by one within `within_s`; the others are put
    together. 0 puts nothing together."""
    within_s: PositiveFloat = Field(default=60.0, le=86_400.0)
    """Seconds that are looked back on; also how long a summary waits for more."""


class PictureSettings(SettingsModel):
    """The frame with the crystals' outlines that goes with an alert."""

    longest_px: int = Field(default=1024, ge=64, le=8192)
    """A larger picture is made smaller until its longer side has so many pixels."""
    most_bytes: int = Field(default=1_000_000, ge=10_000, le=20_000_000)
    """And smaller still until its PNG has at most so many bytes."""


class DeliverySettings(SettingsModel):
    """Every alert is kept until a sink has taken it."""

    retry_first_s: PositiveFloat = 1.0
    """Seconds until a sink that failed is tried again; doubled with every failure, and shortened by chance by up to
    half, so that many stations do not return at once."""
    retry_longest_s: PositiveFloat = 300.0
    """Longest wait between two attempts, seconds."""
    overdue_after_s: PositiveFloat = 600.0
    """An alert that a sink has not taken for so many seconds is told to the other sinks, and stands in `status`."""
    give_up_after_s: PositiveFloat = 604_800.0
    """An alert that a sink has not taken for so many seconds is given up for it, with an event; a week unless set. Only
    time counts in which the analysis ran and the sink took nothing, on a clock that setting the date does not change,
    and after five attempts at the least: neither a wrong date nor a restart loses an alert."""
    remind_every_s: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    """Critical alerts that hold and that nobody has acknowledged are told again so often, seconds; 0 never."""
    summary: SummarySettings = SummarySettings()
    """A summary instead of a flood."""
    picture: PictureSettings = PictureSettings()
    """The picture that goes with an alert."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.retry_longest_s < self.retry_first_s:
            raise ValueError("retry_longest_s is shorter than retry_first_s: raise it")
        if self.give_up_after_s < self.overdue_after_s:
            raise ValueError(
                "give_up_after_s is shorter than overdue_after_s: nobody would be told before it is given up"
            )
        return self
