"""The rows of `model verify`: the engines' files, and every back end of this machine against the fp32 reference."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine import ModelCard

COLUMNS = (
    "backend",
    "passed",
    "mask_iou",
    "area_bias",
    "area_difference_p99",
    "bodies_found",
    "crystals",
    "gate_s",
)
"""What the table shows; JSON has the reason, too."""


def parity_rows(card: ModelCard, engines: Path | None = None) -> list[dict[str, Any]]:
    """One row for each back end that may run here: its figures, whether they hold, and what is wrong if not.

    `engines` is a folder with TensorRT engines built ahead of time.
    `passed` is None for one whose software or card is not here. Nothing is remembered for later starts.
    Raises EngineError where the model has no parity frames.
    """
    from engine.cache import cache_folder
    from engine.errors import BackendError, BackendUnavailableError
    from engine.lineup import candidates_for
    from engine.parity import ParityGate

    gate = ParityGate(card)
    rows = []
    for candidate in candidates_for("auto", card, cache=cache_folder(None), engines=engines):
        row: dict[str, Any] = dict.fromkeys((*COLUMNS, "reason")) | {"backend": candidate.name}
        rows.append(row)
        began_s = time.perf_counter()
        try:
            backend = candidate.create()
            try:
                row["backend"] = backend.describe()
                figures = gate.measure(backend)
            finally:
                backend.close()
        except BackendUnavailableError as error:
            row["reason"] = str(error)
        except BackendError as error:
            row |= {"passed": False, "reason": str(error)}
        else:
            failures = figures.failures(card.parity_limits_of(row["backend"]))
            row |= figures.to_json() | {"passed": not failures, "reason": ", ".join(failures) or None}
            row["gate_s"] = time.perf_counter() - began_s
    return rows


ENGINES = "engines"
"""What stands for the folder of engines where a back end is named."""


def engines_row(folder: Path, *, without_card: bool) -> dict[str, Any]:
    """What the files of a folder of engines are worth, which any machine can tell; `passed` is None: none was run here.

    `without_card`: they were to be run, and there is no card for it. Raises OSError where it cannot be looked at.
    """
    from engine.tensorrt import look_at_shelf

    found = look_at_shelf(folder)
    row: dict[str, Any] = dict.fromkeys((*COLUMNS, "reason")) | {"backend": ENGINES}
    if found.problems:
        return row | {"passed": False, "reason": " ".join(found.problems)}
    count = f"{found.engines} engine{'' if found.engines == 1 else 's'} in {folder}"
    says = f"{count}: files as their cards say" if found.engines else f"no engine is in {folder}"
    return row | {"reason": f"{says}; not run: no NVIDIA card here" if without_card else says}
