"""The kernels compiled with checks of every address and of undefined behaviour, over the inputs of the other tests."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine.kernels.compiling import CompilerError, compile_library, system_compiler

FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[3]
CHECKS = ("-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer")


@pytest.fixture(scope="module")
def sanitized(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The library, and the run-time library that has to be loaded before Python."""
    compiler = system_compiler()
    if compiler is None:
        pytest.skip("no C compiler on this machine")
    try:
        library = compile_library(tmp_path_factory.mktemp("sanitized") / "kernels.so", CHECKS)
    except CompilerError as error:
        pytest.skip(f"the compiler has no sanitizers: {error}")
    runtime = subprocess.run(
        [*compiler, "-print-file-name=libasan.so"], capture_output=True, text=True, check=True
    ).stdout.strip()
    if not Path(runtime).is_file():
        pytest.skip("the compiler has no shared address sanitizer")
    return library, runtime


def run(sanitized: tuple[Path, str], script: str) -> subprocess.CompletedProcess[str]:
    library, runtime = sanitized
    begin = f"from engine.kernels import library; from pathlib import Path; library.LIBRARY = Path({str(library)!r})\n"
    # No leaks are looked for: the interpreter's own are not ours.
    environment = os.environ | {
        "LD_PRELOAD": runtime,
        "ASAN_OPTIONS": "detect_leaks=0:abort_on_error=0",
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": "1",
    }
    return subprocess.run(
        [sys.executable, "-c", begin + script], capture_output=True, text=True, env=environment, check=False
    )


def test_a_step_beyond_an_array_is_noticed(sanitized: tuple[Path, str]) -> None:
    """The control: a row too many."""
    script = (
        "import numpy as np\n"
        "from engine.kernels.library import kernels\n"
        "image, half = np.zeros((66, 66), np.uint8), np.zeros((31, 32), np.uint8)\n"
        "kernels().halve(image.ctypes.data, 64, 64, half.ctypes.data)\n"
    )
    done = run(sanitized, script)
    assert done.returncode != 0
    assert "AddressSanitizer" in done.stderr


@pytest.mark.timeout(240)
def test_no_address_is_wrong_and_nothing_is_undefined(sanitized: tuple[Path, str]) -> None:
    done = run(
        sanitized,
        f"import runpy; runpy.run_path({str(FOLDER / 'sanitized_inputs.py')!r}, run_name='__main__')\n",
    )
    assert done.returncode == 0, done.stderr[-4000:]
    assert "parted and measured" in done.stdout
    assert "rooms refused" in done.stdout
