"""The library: compiled without a warning, refused when it is missing, foreign or older than its sources."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine.kernels import compiling
from engine.kernels.compiling import STRICT, CompilerError, compile_library, is_current, system_compiler
from engine.kernels.library import KernelsMissingError, compiler, kernels, load

ROOT = Path(__file__).parents[4]
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


def test_a_library_made_with_other_options_is_not_current(monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_current()
    monkeypatch.setattr(compiling, "FLAGS", (*compiling.FLAGS, "-ffast-math"))
    assert not is_current()


@needs_compiler
def test_make_compiles_an_edited_file_and_installs_nothing(tmp_path: Path) -> None:
    """In a clone that was installed: its environment's Python is the running one, its kernels are one file."""
    if shutil.which("make") is None:
        pytest.skip("no make on this machine")
    shutil.copy(ROOT / "Makefile", tmp_path)
    source = tmp_path / "engine" / "kernels" / "source"
    source.mkdir(parents=True)
    shutil.copy(compiling.__file__, source.parent)
    for name in ("about.c", "kernels.h"):
        shutil.copy(compiling.SOURCE / name, source)
    environment = tmp_path / ".venv-core"
    (environment / "bin").mkdir(parents=True)
    (environment / "bin" / "python").symlink_to(sys.executable)
    for name in ("pyproject.toml", "constraints.txt", "hatch_build.py", ".venv-core/.ready"):
        (tmp_path / name).touch()

    def make() -> bytes:
        command = ["make", "--no-print-directory", ".venv-core/.kernels"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert "pip" not in done.stdout
        return (source.parent / compiling.LIBRARY.name).read_bytes()

    first = make()
    assert make() == first
    with (source / "about.c").open("a") as file:
        file.write("/* edited */\n")
    os.utime(source / "about.c", times=(time.time() + 2,) * 2)  # file systems tell only so many moments apart
    assert compiling.source_digest(source).encode() not in first
    assert compiling.source_digest(source).encode() in make()


def test_without_a_compiler_the_message_says_how_to_get_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(
        compiling, "ZIG", (sys.executable, "-c", "import sys; sys.exit('No module named ziglang')")
    )
    assert system_compiler() is None
    with pytest.raises(CompilerError, match=r"(?s)No module named ziglang.*apt-get install gcc.*by CC"):
        compile_library(tmp_path / "kernels.so")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("named", "why"),
    [("no-such-compiler -m64", "No such file"), ("false", ""), ("'cc", "No closing quotation")],
)
def test_a_compiler_named_by_cc_that_does_not_work_is_not_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str, why: str
) -> None:
    monkeypatch.delenv("CC", raising=False)
    unnamed = system_compiler()
    monkeypatch.setenv("CC", named)
    monkeypatch.setattr(compiling, "ZIG", (sys.executable, "-c", "raise SystemExit('asked for')"))
    with pytest.raises(CompilerError, match=rf"(?s)CC is `{named}`.*{why}.*unset CC"):
        compile_library(tmp_path / "kernels.so")
    monkeypatch.setenv("CC", " ")  # as good as none
    assert system_compiler() == unnamed


@needs_compiler
def test_a_compiler_that_cannot_make_the_library_shows_its_complaint(tmp_path: Path) -> None:
    with pytest.raises(CompilerError, match="no-such-option"):
        compile_library(tmp_path / "kernels.so", ["--no-such-option"])
