"""The tracker's input and its state, which survives a restart: JSON, and a label image of identities."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from monitor.errors import StoreError
from monitor.records import BirthKind, Observation
from monitor.tracker.trail import Trail

STATE_VERSION = 1
_NAMES = tuple(field.name for field in fields(Trail))
_TUPLES = ("bbox_xywh_px", "areas_px", "partners")


@dataclass(frozen=True, slots=True, eq=False)
class TrackerInput:
    """One good frame of a field."""

    frame_index: int
    """The frame's sequence number."""
    elapsed_s: float
    """Time since the run's zero, seconds; later than that of the frame before."""
    labels_HW: NDArray[np.int32]
    """Label image, int32, shape (H, W), 0 is background."""
    observations: Sequence[Observation]
    """One for every label, in any order."""
    hint_shift_x_px: float | None = None
    """Drift of the view against the last good frame as quality control saw it, columns, px; None where
    unknown."""
    hint_shift_y_px: float | None = None
    """The same for rows."""
    kept_xywh_px: tuple[tuple[int, int, int, int], ...] = ()
    """Parts of the frame (first column, first row, width, height, px) whose pixels were not inferred in it: what
    touches one is carried over from an earlier frame."""
    inferred_since_s: float | None = None
    """Every part was inferred at this elapsed time or later, seconds; None: in this frame."""


@dataclass(frozen=True, slots=True, eq=False)
class TrackerState:
    """State of one field. `TrackerState()` is a field of which nothing was seen yet."""

    trails: tuple[Trail, ...] = ()
    """Trails that have not ended, by number."""
    next_id: int = 1
    """The next number to give; numbers are never reused."""
    steps: int = 0
    """Good frames so far."""
    last_elapsed_s: float | None = None
    """Elapsed time of the last of them, seconds."""
    clear_since_s: float | None = None
    """Every part of the field was inferred at this elapsed time or later, seconds: what is new was not there then."""
    motion_x_px: float = 0.0
    """Running mean of the view's motion, px a frame, columns."""
    motion_y_px: float = 0.0
    """The same for rows."""
    residue_x_px: float = 0.0
    """Part of the view's motion that whole-pixel shifts of remembered outlines still owe, px, columns."""
    residue_y_px: float = 0.0
    """The same for rows."""
    identities_HW: NDArray[np.int32] | None = None
    """Where each crystal was last seen, int32, value = its number; those that are missing keep their
    outline. To be stored with the JSON. None before the first frame."""

    def to_json(self) -> str:
        """All but `identities_HW`, as JSON."""
        rows = [[getattr(trail, name) for name in _NAMES] for trail in self.trails]
        numbers = {
            field.name: getattr(self, field.name)
            for field in fields(self)
            if field.name not in ("trails", "identities_HW")
        }
        content = {"version": STATE_VERSION, **numbers, "columns": _NAMES, "trails": rows}
        return json.dumps(content, separators=(",", ":"))

    @classmethod
    def restore(cls, text: str, identities_HW: NDArray[np.int32] | None) -> TrackerState:
        """The state that `to_json` and `identities_HW` were taken from: the next step is the same as without
        a restart.

        Without `identities_HW` crystals are found again by their centres alone. Raises `StoreError` for text
        that this version cannot read.
        """
        try:
            content = json.loads(text)
            version = content.pop("version")
            if version != STATE_VERSION:
                raise StoreError(
                    f"the stored tracker state has version {version}, this program reads {STATE_VERSION}; "
                    "start a new run with `crystal-monitor new-run`"
                )
            columns = content.pop("columns")
            trails = tuple(_trail(dict(zip(columns, row, strict=True))) for row in content.pop("trails"))
            return cls(trails=trails, identities_HW=identities_HW, **content)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise StoreError(
                f"the stored tracker state cannot be read ({error}); check the disk that holds the database, "
                "then start a new run with `crystal-monitor new-run`"
            ) from error


def _trail(values: dict[str, object]) -> Trail:
    for name in _TUPLES:
        values[name] = tuple(values[name])  # type: ignore[arg-type]  # JSON has lists
    values["kind"] = BirthKind(str(values["kind"]))
    return Trail(**values)  # type: ignore[arg-type]  # written by `to_json`; a wrong name raises TypeError
