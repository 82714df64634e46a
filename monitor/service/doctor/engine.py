"""The engine: weights, back ends, and whether what would serve computes what the reference does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

from engine import EngineError, ModelCard, load_card
from engine.backends import create_backend
from engine.cache import cache_folder
from engine.errors import BackendError, BackendUnavailableError
from engine.kernels.library import KernelsMissingError, compiler
from engine.lineup import candidates_for
from engine.parity import ParityGate
from monitor.service.doctor.finding import Finding, fail, from_message, ok, warn
from monitor.settings.analysis import AnalysisSettings

_REMEDIES = {
    "tensorrt": "for a card: pip install -c constraints.txt '.[rtx]', and an NVIDIA driver",
    "openvino": "pip install openvino",
    "torch": "pip install '.[rtx]' or '.[train]'; not needed beside openvino",
}


def look_at_engine(settings: AnalysisSettings) -> Iterator[Finding]:
    """Compiled kernels, weights, each back end, and the parity of the one that would serve first."""
    yield _kernels()
    try:
        card = load_card(settings.model)
    except EngineError as error:
        yield from_message("weights", error)
        return
    yield ok("weights", f"{card.name}: all files match their card (sha256 {card.safetensors_sha256[:16]}…)")
    for name in ("tensorrt", "openvino", "torch"):
        yield _back_end(name, card, settings)
    yield _parity(card, settings)


def _kernels() -> Finding:
    try:
        return ok("kernels", f"parting and measuring in C, compiled by {compiler()}")
    except KernelsMissingError as error:
        return from_message("kernels", error)


def _back_end(name: str, card: ModelCard, settings: AnalysisSettings) -> Finding:
    check = f"back end {name}"
    try:
        with closing(
            create_backend(name, card, threads=settings.threads, engines=settings.engines)
        ) as backend:
            return ok(check, f"can run here: {backend.describe()}")
    except BackendUnavailableError as error:
        if settings.backend == name:
            return fail(check, str(error), _REMEDIES[name])
        return ok(check, f"not here ({_REMEDIES[name]})")
    except EngineError as error:
        return fail(check, str(error), "see the message, or name another in analysis.backend")


def _parity(card: ModelCard, settings: AnalysisSettings) -> Finding:
    try:
        candidates = candidates_for(
            settings.backend,
            card,
            threads=settings.threads,
            cache=cache_folder(settings.model_cache),
            engines=settings.engines,
        )
    except EngineError as error:
        return from_message("parity", error)
    for candidate in candidates:
        try:
            with closing(candidate.create()) as backend:
                figures = ParityGate(card).check(backend, identity=candidate.identity())
                return ok(
                    "parity",
                    f"{backend.describe()} computes what the reference does: mask IoU {figures.mask_iou:.4f}, "
                    f"area bias {figures.area_bias:+.3%}, over {figures.crystals} crystals",
                )
        except BackendUnavailableError:
            continue
        except BackendError as error:
            return fail("parity", str(error), "name another back end in analysis.backend")
    return fail("parity", "no back end can run here", "install openvino")


def look_at_folder_of_models(settings: AnalysisSettings) -> Finding:
    """Whether compiled models can be kept for the next start."""
    try:
        folder = cache_folder(settings.model_cache)
    except BackendError as error:
        return from_message("analysis.model_cache", error)
    if folder is None:
        return warn(
            "analysis.model_cache",
            "no folder for compiled models can be written: every start compiles anew, some seconds",
            "name a folder that this user may write",
        )
    return ok("analysis.model_cache", f"{folder}")
