"""The most that this machine's cores can do in bfloat16: a loop of dot products that touches no memory."""

from __future__ import annotations

import ctypes
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from report import Work

from engine.kernels.compiling import system_compiler

ROUNDS = 80_000_000
GIGAFLOP_OF_THREAD = ROUNDS * 12 * 32 * 2 / 1e9
"""Twelve dot products a round, each of 32 pairs, a multiplication and an addition for each pair."""


def dot_products(threads: int) -> tuple[Work, float] | None:
    """The work and its 10⁹ operations; None where the processor has no bfloat16 or the machine no compiler."""
    compiler = system_compiler()
    flags = Path("/proc/cpuinfo")
    if compiler is None or not flags.exists() or " avx512_bf16" not in flags.read_text(encoding="ascii"):
        return None
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "dot_products.so"
        source = Path(__file__).with_name("dot_products.c")
        options = ("-O3", "-mavx512f", "-mavx512bf16", "-shared", "-fPIC")
        subprocess.run([*compiler, *options, str(source), "-o", str(library)], check=True)
        function = ctypes.CDLL(str(library)).dot_products
    function.restype, function.argtypes = ctypes.c_float, (ctypes.c_int64,)
    pool = ThreadPoolExecutor(threads)

    def work() -> object:
        return list(pool.map(function, [ROUNDS] * threads))

    return work, threads * GIGAFLOP_OF_THREAD
