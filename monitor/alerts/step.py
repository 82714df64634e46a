"""One frame's alerts: every rule is read, its phase advanced, and what changed is told."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from monitor.alerts.phase import Phase, advance
from monitor.alerts.reading import AlertInput, read
from monitor.records import Alert, AlertKind
from monitor.settings.alerts import AlertSettings

_VERSION = 1


@dataclass(frozen=True, slots=True)
class AlertState:
    """Phases of the rules in one field, by the rule's name."""

    phases: Mapping[str, Phase] = field(default_factory=dict)
    """Rules not in it are quiet."""

    def to_json(self) -> str:
        """Exact; a few bytes a rule."""
        return json.dumps({"version": _VERSION, "phases": {n: asdict(p) for n, p in self.phases.items()}})

    @classmethod
    def from_json(cls, text: str) -> AlertState:
        """What `to_json` wrote. Raises ValueError on anything else."""
        try:
            plain = json.loads(text)
            if plain["version"] != _VERSION:
                raise ValueError("written by another version")
            return cls({str(name): Phase(**phase) for name, phase in plain["phases"].items()})
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise ValueError(f"a stored state of the alert rules cannot be read ({error})") from error


def step(
    state: AlertState, frame: AlertInput, settings: AlertSettings
) -> tuple[AlertState, tuple[Alert, ...]]:
    """Read every rule that watches this field; the alerts come in the order of the rules.

    Rules that are no longer in the settings are forgotten. One state per field.
    """
    phases, alerts = {}, []
    muted = frame.muted_until_s is not None and frame.elapsed_s < frame.muted_until_s
    for rule in settings.rules:
        if rule.fields and frame.field not in rule.fields:
            continue
        phase = state.phases.get(rule.name, Phase())
        reading = read(rule, frame, phase)
        durations_s = (rule.for_s, rule.clears_after_s, rule.cooldown_s)
        phase, change = advance(phase, reading, frame.elapsed_s, durations_s, muted)
        phases[rule.name] = phase
        if change is not None and reading is not None:
            alerts.append(
                Alert(
                    rule=rule.name,
                    kind=AlertKind(rule.kind),
                    raised=change,
                    message=reading.message if change else f"cleared: {reading.message}",
                    value=reading.value,
                    limit=reading.limit,
                    crystal_id=reading.crystal_id,
                    severity=rule.severity,
                )
            )
    return AlertState(phases), tuple(alerts)
