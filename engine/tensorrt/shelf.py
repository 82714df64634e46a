"""Getting an engine: one that was built ahead of time if it is the right one, else one that is built now."""

from __future__ import annotations

import contextlib
import hashlib
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.card import ModelCard
from engine.tensorrt.building import BuiltEngine, card_path, write_engine
from engine.tensorrt.engine_card import EngineCard, EngineOrder
from engine.tensorrt.errors import EngineRefusedError
from engine.trust import UntrustedFileError, check_trusted_folder, read_trusted

_LOG = logging.getLogger("engine.tensorrt")
KEPT_FILES = 8
"""Engines, and compiled kernels, that are kept in a cache folder: the newest; one engine is about 20 MB."""


@dataclass(frozen=True)
class ObtainedEngine:
    """An engine that was loaded, and how it was come by."""

    loaded: Any
    """What `load` gave for it."""
    card: EngineCard
    """Its card."""
    path: Path | None
    """The file that holds it; None when it could not be written."""
    refusals: tuple[EngineRefusedError, ...]
    """Why engines that were found were not taken, in the order of the folders."""


def read_sealed(path: Path) -> BuiltEngine:
    """Read an engine and its card, and verify that they belong together and that nobody else could have written them.

    Needs neither card nor library of this machine. Owner and permissions first, then the card, then the SHA-256 of the
    very bytes that are given. Raises EngineRefusedError (untrusted, corrupt); FileNotFoundError when there is no such
    engine.
    """
    try:
        engine = read_trusted(path)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise EngineRefusedError("untrusted", f"The engine {path} cannot be read ({error}).") from error
    except UntrustedFileError as error:
        raise EngineRefusedError("untrusted", str(error)) from error
    beside = card_path(path)
    try:
        text = read_trusted(beside).decode()
    except UntrustedFileError as error:
        raise EngineRefusedError("untrusted", str(error)) from error
    except (OSError, UnicodeDecodeError) as error:
        raise EngineRefusedError(
            "corrupt", f"The engine {path} has no card that can be read beside it ({error})."
        ) from error
    card = EngineCard.from_json(text, origin=str(beside))
    found = hashlib.sha256(engine).hexdigest()
    if found != card.engine_sha256:
        raise EngineRefusedError(
            "corrupt",
            f"The engine {path} is not the one of its card: SHA-256 {found[:16]}… where the card says "
            f"{card.engine_sha256[:16]}….",
        )
    return BuiltEngine(engine, card)


def read_engine(
    path: Path, model: ModelCard, order: EngineOrder, *, library: str, capability: str | None
) -> BuiltEngine:
    """Read an engine as `read_sealed` and verify, before anything is loaded, that it is the one that is wanted.

    Raises EngineRefusedError with its reason; FileNotFoundError when there is no such engine.
    """
    found = read_sealed(path)
    found.card.check(model, order, library=library, capability=capability, origin=str(path))
    return found


@dataclass(frozen=True)
class ShelfReport:
    """What a look at a folder of engines found."""

    engines: int
    """How many there are."""
    problems: tuple[str, ...]
    """What is wrong, each with its remedy: the folder, or engines that are not as their cards say."""


def look_at_shelf(folder: Path) -> ShelfReport:
    """Look at a folder and at every engine in it as `read_sealed` does, on any machine; nothing is loaded or run.

    Raises OSError where the folder cannot be looked at.
    """
    paths = sorted(folder.glob("*.engine"))
    try:
        check_trusted_folder(folder)
    except UntrustedFileError as error:
        return ShelfReport(len(paths), (str(error),))
    problems = []
    for path in paths:
        try:
            read_sealed(path)
        except FileNotFoundError:
            problems.append(f"The engine {path} is a link to nothing. Delete it.")
        except EngineRefusedError as refusal:
            remedy = " Build it again (`crystal-monitor model build`), or delete it."
            problems.append(f"{refusal}{remedy if refusal.reason == 'corrupt' else ''}")
    return ShelfReport(len(paths), tuple(problems))


def obtain_engine(
    model: ModelCard,
    order: EngineOrder,
    *,
    folders: Sequence[Path],
    cache: Path | None,
    library: str,
    capability: str | None,
    build: Callable[[], BuiltEngine],
    load: Callable[[bytes], Any],
) -> ObtainedEngine:
    """Load the first right engine from `folders` and `cache`, or build one and keep it in `cache`.

    Args:
        model: the model to run.
        order: shape and precision.
        folders: where engines built ahead of time are looked for; nothing is written there.
        cache: where an engine that was built now is kept; a cache that cannot be written costs only time.
        library: name and version of TensorRT, as in an engine's card.
        capability: compute capability of the card in this machine, such as `8.6`.
        build: builds the engine; its errors are the caller's.
        load: loads an engine's verified bytes; raises EngineRefusedError when the library will not have them.

    A wrong engine never stops this: it is logged and given back as a refusal.
    """
    refusals: list[EngineRefusedError] = []
    for folder in (*folders, *([cache] if cache is not None else [])):
        path = folder / order.file_name(model.name)
        try:
            found = read_engine(path, model, order, library=library, capability=capability)
            loaded = load(found.engine)
        except FileNotFoundError:
            continue
        except EngineRefusedError as refusal:
            _LOG.warning("%s It is not loaded; another is taken or built.", refusal)
            refusals.append(refusal)
        else:
            return ObtainedEngine(loaded, found.card, path, tuple(refusals))
    built = build()
    loaded = load(built.engine)
    kept: Path | None = None
    if cache is not None:
        try:
            kept = write_engine(built, cache)
            tidy(cache)
        except OSError as error:
            _LOG.warning(
                "The engine cannot be kept in %s (%s): the next start builds it again.", cache, error
            )
    return ObtainedEngine(loaded, built.card, kept, tuple(refusals))


def fingerprint(folders: Iterable[Path]) -> str:
    """What tells the engines in these folders from others, by their cards: another one has to be proven anew."""
    digest = hashlib.sha256()
    for folder in folders:
        for path in sorted(folder.glob("*.engine.json")):
            try:
                digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
            except OSError:  # one that cannot be read is not loaded
                continue
    return digest.hexdigest()[:16]


def tidy(cache: Path) -> None:
    """Delete all but the newest engines and compiled kernels; others may be doing the same at the same time."""
    for pattern in ("*.engine", "*.kernels"):
        dated = []
        for path in cache.glob(pattern):
            try:
                dated.append((path.stat().st_mtime, path))
            except FileNotFoundError:  # the other was faster
                continue
        for _, path in sorted(dated, reverse=True)[KEPT_FILES:]:
            with contextlib.suppress(OSError):  # a file that stays costs room, never a frame
                path.unlink(missing_ok=True)
                card_path(path).unlink(missing_ok=True)
