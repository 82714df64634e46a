"""Compiling the kernels: C to one shared library beside this file, by the machine's compiler or by the package ziglang.

    python engine/kernels/compiling.py      # in a clone, after a change of the C

Only what Python itself brings is imported: the build (hatch_build.py) runs this in an environment of its own.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
SOURCE = FOLDER / "source"
LIBRARY = FOLDER / {"win32": "kernels.dll", "darwin": "kernels.dylib"}.get(sys.platform, "kernels.so")

ZIG = (sys.executable, "-m", "ziglang", "cc", "-mcpu=baseline")
"""Left to itself it compiles for the processor that it runs on, and the library would not run on an older one."""
FLAGS = ("-std=c11", "-O3", "-ffp-contract=off", "-fvisibility=hidden")
"""Sums and products are rounded one by one, also where a processor can fuse them: no result depends on the compiler."""
STRICT = ("-Wall", "-Wextra", "-Wconversion", "-Werror")
"""For our own tests: what a compiler of tomorrow warns of must not keep anybody from installing."""
TIMEOUT_S = 300


class CompilerError(Exception):
    """No compiler, or one that does not compile the kernels; says what to do."""


def source_digest(folder: Path = SOURCE) -> str:
    """SHA-256 of all C files and of the options: a library says which ones it was made of."""
    digest = hashlib.sha256("\0".join(FLAGS).encode())
    for path in sorted(folder.glob("*.[ch]")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def is_current(library: Path = LIBRARY) -> bool:
    """Whether a library is there and was made of the C files and by the options as they are."""
    return library.is_file() and source_digest().encode() in library.read_bytes()


def system_compiler() -> tuple[str, ...] | None:
    """The machine's own C compiler that can make a shared library with its mathematics: `CC`, or cc, gcc, clang.

    None where there is none; raise CompilerError where CC names one that cannot.
    """
    named = os.environ.get("CC", "")
    if named.strip():
        return _named_compiler(named)
    for candidate in ("cc", "gcc", "clang"):
        if shutil.which(candidate) and _complaint([candidate]) is None:
            return (candidate,)
    return None


def _named_compiler(named: str) -> tuple[str, ...]:
    try:
        candidate = shlex.split(named)
        complaint = _complaint(candidate)
    except ValueError as error:
        complaint = str(error)
    if complaint is not None:
        raise CompilerError(
            f"The environment variable CC is `{named}`, which cannot make a shared library:\n{complaint}\n"
            "Name a C compiler that can, or unset CC: then cc, gcc, clang and the package ziglang are tried"
        )
    return tuple(candidate)


def _complaint(compiler: Sequence[str]) -> str | None:
    """Of a compiler that cannot make a shared library with its mathematics; None of one that can."""
    with tempfile.TemporaryDirectory() as folder:
        probe = Path(folder) / "probe.c"
        probe.write_text(
            "#include <math.h>\n#include <string.h>\ndouble probe(double x) { return atan2(x, 2); }\n"
        )
        command = [*compiler, "-std=c11", *_shared(), str(probe), "-o", str(probe.with_suffix(".out"))]
        return _run([*command, *_mathematics()])


def compile_library(library: Path = LIBRARY, options: Sequence[str] = ()) -> Path:
    """Compile the kernels and put the library in its place at once; raise CompilerError where that cannot be.

    `options` come after the usual ones, such as `-fsanitize=address`.
    """
    compiler = system_compiler() or ZIG
    digest = source_digest()
    with tempfile.TemporaryDirectory(dir=library.parent, prefix=".kernels-") as folder:
        made = Path(folder) / library.name
        sources = [str(path) for path in sorted(SOURCE.glob("*.c"))]
        command = [*compiler, *FLAGS, *_shared(), f'-DKERNEL_SOURCES="{digest}"', *options]
        complaint = _run([*command, *sources, "-o", str(made), *_mathematics()])
        if complaint is not None:
            raise CompilerError(
                f"The kernels could not be compiled by `{shlex.join(compiler)}`:\n{complaint}\n"
                "Install a C compiler with the C library's headers (Debian, Ubuntu: apt-get install gcc libc6-dev; "
                "Fedora: dnf install gcc), or the package ziglang (python -m pip install ziglang), or name one by CC"
            )
        made.replace(library)
    return library


def _shared() -> tuple[str, ...]:
    if sys.platform == "win32":
        return ("-shared",)
    return ("-shared", "-fPIC")


def _mathematics() -> tuple[str, ...]:
    return () if sys.platform == "win32" else ("-lm",)


def _run(command: Sequence[str]) -> str | None:
    """What a compiler complains of; None where it did its work."""
    try:
        done = subprocess.run(  # noqa: S603 - the compiler that was found, our own arguments
            command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return None if done.returncode == 0 else (done.stderr or done.stdout)[-4000:]


if __name__ == "__main__":
    try:
        if sys.argv[1:] != ["--unless-current"] or not is_current():
            print(compile_library())  # noqa: T201 - a command's answer
    except CompilerError as error:
        sys.exit(str(error))
