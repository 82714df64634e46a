"""The completion machine's memory of a field: JSON both ways, bounded."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields

import numpy as np
from numpy.typing import NDArray

from monitor.completion.jmak import JmakFit
from monitor.completion.packing import pack_series, unpack_series
from monitor.completion.series import COLUMNS, empty_series
from monitor.records import Forecast, RunState

Floats = NDArray[np.float64]

_VERSION = 1
_NOTHING_YET = Forecast(None, None, None, "no crystal yet")


@dataclass(frozen=True, slots=True, eq=False)
class CompletionMachineState:
    """One field between frames. `step` gives the next; a restart continues from its JSON."""

    state: RunState
    """As last told; `blind` included."""
    seeing: RunState
    """What it was when last seen: the same, but never `blind`."""
    series_SC: Floats
    """The field's course since its first crystal; see `monitor.completion.series`."""
    started_s: float | None = None
    """Elapsed time of the first frame considered."""
    last_good_s: float | None = None
    """Elapsed time of the last good frame that was evidence, not carried over."""
    intervals_s: tuple[float, ...] = ()
    """Latest intervals between good frames, carried ones included, seconds; at most 15."""
    last_frame_s: float | None = None
    """Elapsed time of the last good frame, carried or not."""
    pending_s: float = 0.0
    """Time observed since the last good frame that was not carried; counts once the next such frame comes."""
    um_per_px: float | None = None
    """Calibration of the series."""
    merged: int = 0
    """Crystals that ended by merging so far."""
    last_birth_s: float | None = None
    """When the latest crystal was born, elapsed seconds."""
    peak_rate_px_per_s: float = 0.0
    """Highest area rate so far, by its lower limit, px²/s."""
    peak_front_px_per_s: float = 0.0
    """Highest median front speed so far, px/s."""
    unjudged_births: int = 0
    """Births since the last good frame that was not carried."""
    completed_s: float | None = None
    """When it became complete; None before and after reopening."""
    completed_area_px: float = 0.0
    """Total area then, px²."""
    fit: JmakFit | None = None
    """Latest fitted course."""
    fit_due: int = 0
    """Good frames until the course is fitted again."""
    t90: Forecast = _NOTHING_YET
    """Latest forecast."""
    t95: Forecast = _NOTHING_YET
    """Latest forecast."""

    def to_json(self) -> str:
        """Exact: floats are written so that they read back as they were."""
        plain: dict[str, object] = {f.name: getattr(self, f.name) for f in fields(self)}
        plain["series_SC"] = pack_series(self.series_SC)
        for name in ("fit", "t90", "t95"):
            value = getattr(self, name)
            plain[name] = None if value is None else asdict(value)
        return json.dumps({"version": _VERSION, **plain})

    @classmethod
    def from_json(cls, text: str) -> CompletionMachineState:
        """What `to_json` wrote. Raises ValueError on anything else."""
        try:
            plain = json.loads(text)
            if plain.pop("version") != _VERSION:
                raise ValueError("written by another version")
            plain["state"], plain["seeing"] = RunState(plain["state"]), RunState(plain["seeing"])
            plain["series_SC"] = _series(plain["series_SC"])
            plain["intervals_s"] = tuple(plain["intervals_s"])
            plain.pop("foretold", None)  # states of older versions have it; no state is thrown away for that
            plain["fit"] = None if plain["fit"] is None else JmakFit(**plain["fit"])
            plain["t90"], plain["t95"] = Forecast(**plain["t90"]), Forecast(**plain["t95"])
            return cls(**plain)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise ValueError(f"a stored state of completion cannot be read ({error})") from error


def _series(stored: str | list[list[float]]) -> Floats:
    if isinstance(stored, str):
        return unpack_series(stored)
    return np.array(stored, np.float64).reshape(-1, COLUMNS)  # as states were written before they were packed


def initial_state() -> CompletionMachineState:
    """Nothing seen yet: waiting."""
    return CompletionMachineState(RunState.WAITING, RunState.WAITING, empty_series())
