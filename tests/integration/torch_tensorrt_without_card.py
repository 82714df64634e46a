# ruff: noqa: E402 - torch must answer for the card before torch_tensorrt is imported
"""Run by a test in a process of its own: torch_tensorrt on the real network, without a card.

What it asks the driver at import is answered here; compiling needs no card, but it loads the engine once to look at
it, so that is stood in for, and the engine itself kept.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
from types import SimpleNamespace
from typing import Any

import torch

torch.set_num_threads(1)
torch.cuda.get_device_capability = lambda *_: (8, 6)
torch.cuda.current_device = lambda: 0
torch.cuda.mem_get_info = lambda *_: (8 << 30, 8 << 30)

import torch_tensorrt
from torch_tensorrt.dynamo.conversion import _TRTInterpreter as interpreter

from engine import load_card
from engine.tensorrt import EngineOrder
from engine.tensorrt.on_card import compile_on_card, export_program
from engine.tensorrt.typed_graph import INPUT, OUTPUT

ORDER = EngineOrder(256, 256)


class Runtime:
    """Keeps the engine and gives one that has nothing to say."""

    def __init__(self, logger: Any) -> None:
        pass

    def deserialize_cuda_engine(self, serialized: Any) -> Any:
        return SimpleNamespace(
            get_aliased_input_tensor=lambda name: None, serialize=lambda: serialized, engine=serialized
        )


def dry_run() -> str:
    program = export_program(load_card(), ORDER, device="cpu")
    shape = (1, 1, ORDER.height_px, ORDER.width_px)
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        torch_tensorrt.dynamo.compile(
            program,
            arg_inputs=[torch_tensorrt.Input(shape, dtype=torch.float32)],
            dryrun=True,
            min_block_size=1,
        )
    return said.getvalue()


dry = dry_run()
interpreter.trt = SimpleNamespace(
    **{name: getattr(interpreter.trt, name) for name in dir(interpreter.trt) if not name.startswith("_")}
    | {"Runtime": Runtime}
)
built = compile_on_card(load_card(), ORDER, library="tensorrt_rtx test", capability="8.6", device="cpu")
names = [name for name in (INPUT, OUTPUT) if name.encode() in built.engine]
json.dump({"dry": dry, "card": built.card.to_row(), "names": names}, sys.stdout)
