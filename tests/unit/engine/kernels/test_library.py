"""The library: compiled without a warning, refused when it is missing, foreign or older than its sources."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from engine.kernels import compiling
from engine.kernels.compiling import STRICT, CompilerError, compile_library, is_current, system_compiler
from engine.kernels.library import KernelsMissingError, compiler, kernels, load

needs_compiler = pytest.mark.skipif(system_compiler() is None, reason="no C compiler on this machine")


@needs_compiler
def test_the_sources_compile_without_a_warning(tmp_path: Path) -> None:
    library = compile_library(tmp_path / "kernels.so", STRICT)
    assert is_current(library)
    assert load(library).kernels_sources() == kernels().kernels_sources()
    assert compiler().split()[0] in ("gcc", "clang")


def test_a_missing_or_foreign_library_names_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(KernelsMissingError, match="Install crystal-monitor again"):
        load(tmp_path / "kernels.so")
    (tmp_path / "kernels.so").write_bytes(b"no library")
    with pytest.raises(KernelsMissingError, match="cannot be loaded"):
        load(tmp_path / "kernels.so")
    assert not is_current(tmp_path / "kernels.so")


@needs_compiler
def test_a_library_older_than_its_sources_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "source"
    shutil.copytree(compiling.SOURCE, source)
    with (source / "about.c").open("a") as file:
        file.write("/* changed */\n")
    assert compiling.source_digest(source) != compiling.source_digest()
    monkeypatch.setattr("engine.kernels.library.source_digest", lambda: compiling.source_digest(source))
    with pytest.raises(KernelsMissingError, match="older than their sources"):
        load(compiling.LIBRARY)


def test_without_a_compiler_the_message_says_how_to_get_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CC", str(tmp_path / "no-such-compiler"))
    monkeypatch.setattr(
        compiling, "ZIG", (sys.executable, "-c", "import sys; sys.exit('No module named ziglang')")
    )
    assert system_compiler() is None
    with pytest.raises(CompilerError, match=r"(?s)No module named ziglang.*apt-get install gcc.*by CC"):
        compile_library(tmp_path / "kernels.so")
    assert list(tmp_path.iterdir()) == []


@needs_compiler
def test_a_compiler_that_cannot_make_the_library_shows_its_complaint(tmp_path: Path) -> None:
    with pytest.raises(CompilerError, match="no-such-option"):
        compile_library(tmp_path / "kernels.so", ["--no-such-option"])
