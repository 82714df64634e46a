"""Mish in bfloat16 by table: rounded once, and faster than torch's own on a CPU.

A bfloat16 has 65,536 values, so Mish and its slope are two tables of 128 kB; torch computes exp, log1p and tanh of
each element instead. What a training step gains by it: `tests/benchmarks/bench_training.py`, row
`step, bfloat16, torch's Mish / bfloat16, processor`.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch import nn
from torch.nn import functional

VALUES = 1 << 16
"""Values of a bfloat16."""


@cache
def _tables() -> tuple[torch.Tensor, torch.Tensor]:
    """Mish and its slope, bfloat16, by the 16 bits of their argument taken as an unsigned number."""
    bits = torch.arange(VALUES, dtype=torch.int32)
    # 32,768 and above stand for the negative numbers of an int16
    argument = torch.where(bits < VALUES // 2, bits, bits - VALUES).to(torch.int16).view(torch.bfloat16)
    with torch.enable_grad():
        exact = argument.double().requires_grad_()
        value = functional.mish(exact)
        (slope,) = torch.autograd.grad(value.sum(), exact)
    return value.detach().to(torch.bfloat16), slope.to(torch.bfloat16)


class _TabledMish(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, x_BCHW: torch.Tensor) -> torch.Tensor:
        bits = x_BCHW.permute(0, 2, 3, 1).contiguous().view(torch.uint16).flatten().to(torch.int32)
        context.save_for_backward(bits)
        return _taken(_tables()[0], bits, x_BCHW.shape)

    @staticmethod
    def backward(context: Any, *gradients: torch.Tensor) -> torch.Tensor:
        (gradient_BCHW,) = gradients
        (bits,) = context.saved_tensors
        return _taken(_tables()[1], bits, gradient_BCHW.shape).mul_(gradient_BCHW)


def _taken(table: torch.Tensor, bits: torch.Tensor, shape: torch.Size) -> torch.Tensor:
    """Entries of a table as (B, C, H, W), channels last in memory."""
    batch, channels, height, width = shape
    return table.index_select(0, bits).view(batch, height, width, channels).permute(0, 3, 1, 2)


class HalfMish(nn.Module):
    """Mish of maps (B, C, H, W): by table in bfloat16, torch's own in any other type."""

    def forward(self, x_BCHW: torch.Tensor) -> torch.Tensor:
        """Mish of each element, in the type of the input."""
        if x_BCHW.dtype is not torch.bfloat16:
            return functional.mish(x_BCHW)
        result: torch.Tensor = _TabledMish.apply(x_BCHW)
        return result


def use_half_mish(network: nn.Module) -> None:
    """Let each Mish of a network be one by table where its maps are in bfloat16; weights and names stay."""
    for module in list(network.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.Mish):
                setattr(module, name, HalfMish())
