"""The line-up of a station: which back ends there are, best first."""

from __future__ import annotations

from functools import partial
from importlib.util import find_spec
from pathlib import Path

from engine.backends import create_backend
from engine.backends.choice import check_choice
from engine.backends.tensorrt import engine_folders
from engine.card import ModelCard
from engine.lineup.candidate import Candidate
from engine.tensorrt.shelf import fingerprint

_SIGNS_OF_A_CARD = (Path("/proc/driver/nvidia/version"), Path("/dev/nvidiactl"), Path("/dev/dxg"))

LINE_UP = ("tensorrt", "openvino", "torch")
"""Every back end, in order of preference."""


def candidates_for(
    name: str,
    card: ModelCard,
    *,
    threads: int = 0,
    cache: Path | None = None,
    precision: str = "auto",
    engines: Path | None = None,
) -> tuple[Candidate, ...]:
    """Candidates for a back end's name, best first: for `auto` all that may run here, else the named and what follows.

    What follows a named back end takes over only where that is lost while running. `engines` is a folder with
    TensorRT engines built ahead of time. Raises BackendUnavailableError for a name or precision that there is not.
    """
    check_choice(name, precision)
    best = name if name != "auto" else LINE_UP[0] if precision == "auto" else "openvino"
    names = LINE_UP[LINE_UP.index(best) :]
    found = []
    for each in names:
        if each != name and not _may_run(each):
            continue
        own = precision if each in (name, "openvino") else "auto"
        create = partial(
            create_backend, each, card, threads=threads, cache=cache, precision=own, engines=engines
        )
        if each == "tensorrt":
            folders, kept = engine_folders(card, () if engines is None else (engines,), cache)
            identity = partial(fingerprint, folders if kept is None else (*folders, kept))
            found.append(Candidate(each, create, slow=True, missed=_has_tensorrt(), identity=identity))
        else:
            found.append(Candidate(each, create))
    return tuple(found)


def _may_run(name: str) -> bool:
    """Whether there is any use in trying.

    With a card in the machine tensorrt is always tried: where its software is missing, that is said.
    """
    if name == "tensorrt":
        return any(sign.exists() for sign in _SIGNS_OF_A_CARD)
    return name != "torch" or (_has("torch") and _has("safetensors"))


def _has_tensorrt() -> bool:
    return _has("torch") and any(map(_has, ("tensorrt_rtx", "tensorrt", "torch_tensorrt")))


def _has(module: str) -> bool:
    return find_spec(module) is not None
