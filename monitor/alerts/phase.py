"""The state machine of one rule in one field, which makes a flickering value one alert rather than a flood.

    quiet ──condition holds for `for_s`, cool-down over, not muted──▶ raised
    raised ──clear condition holds for `clears_after_s`──▶ quiet

A frame that says nothing of the condition (rejected, no fit) changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Phase:
    """A rule's memory in one field."""

    raised: bool = False
    """Whether it has fired and not cleared."""
    since_s: float | None = None
    """Since when the condition for a change holds without a break, elapsed seconds."""
    raised_s: float | None = None
    """When it last fired, elapsed seconds."""
    told: int = 0
    """How often it has fired."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a frame says of a rule's condition."""

    fires: bool
    """Whether the value is across the limit."""
    clears: bool
    """Whether it is back across the clear limit."""
    message: str
    """In the user's terms, with value, limit and units."""
    value: float | None = None
    """The value that decided."""
    limit: float | None = None
    """The rule's limit."""
    crystal_id: int | None = None
    """The crystal concerned."""


def advance(
    phase: Phase, reading: Reading | None, now_s: float, durations_s: tuple[float, float, float], muted: bool
) -> tuple[Phase, bool | None]:
    """The next phase, and True when the rule fires, False when it clears, None when neither.

    durations_s: the rule's `for_s`, `clears_after_s` and `cooldown_s`. While muted nothing fires; a condition that
    still holds when the muting ends fires then.
    """
    if reading is None:
        return phase, None
    for_s, clear_for_s, cooldown_s = durations_s
    if not (reading.clears if phase.raised else reading.fires):
        return (phase if phase.since_s is None else replace(phase, since_s=None)), None
    since_s = now_s if phase.since_s is None else phase.since_s
    phase = replace(phase, since_s=since_s)
    if now_s - since_s < (clear_for_s if phase.raised else for_s):
        return phase, None
    if phase.raised:
        return replace(phase, raised=False, since_s=None), False
    cooling = phase.raised_s is not None and now_s - phase.raised_s < cooldown_s
    if cooling or muted:
        return phase, None
    return Phase(raised=True, since_s=None, raised_s=now_s, told=phase.told + 1), True
