"""What needs a card of NVIDIA's: `make gpu-test` on a station that has one. Elsewhere it is skipped, visibly."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import BackendUnavailableError


def why_not() -> str:
    """Why this machine cannot run these tests; empty where it can."""
    try:
        import torch

        from engine.tensorrt.device import find_device
        from engine.tensorrt.library import load_library

        load_library()
        find_device(torch)
    except (ImportError, BackendUnavailableError) as error:
        return str(error)
    return ""


@pytest.fixture(scope="session", autouse=True)
def card() -> None:
    reason = why_not()
    if reason:
        pytest.skip(f"needs an NVIDIA card: {reason.split('. ')[0]}")


@pytest.fixture(scope="session")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Engines built ahead of time for all kinds of cards, as they are carried to a station."""
    from engine import load_card
    from engine.tensorrt import build_engine, orders_for, write_engine

    folder = tmp_path_factory.mktemp("engines")
    for order in orders_for(load_card(), [(1024, 1024), (256, 256)], "fp16"):
        write_engine(build_engine(load_card(), order), folder)
    return folder
