"""The build's own step: the kernels in engine/kernels/source become one shared library, in the wheel or in the clone.

The machine's C compiler makes it; where there is none, the package ziglang, which is one and comes from the package
registry like any other, for the time of the build. ctypes loads the library, so that it fits every Python.
"""

from __future__ import annotations

import importlib.util
import sysconfig
from pathlib import Path
from types import ModuleType
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ZIG = "ziglang==0.15.2"


class KernelBuildHook(BuildHookInterface[Any]):
    """Compiles the kernels beside the module that loads them."""

    def dependencies(self) -> list[str]:
        """What the build needs beyond pyproject.toml: a compiler, where the machine has none."""
        return [] if self._compiling().system_compiler() else [ZIG]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, and mark the wheel as one for this kind of machine, and for any Python 3."""
        library = self._compiling().compile_library()
        platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{platform}"
        build_data["artifacts"].append(f"/{library.relative_to(self.root).as_posix()}")

    def _compiling(self) -> ModuleType:
        """`engine.kernels.compiling` without `engine`, whose dependencies are not there while it is built."""
        path = Path(self.root) / "engine" / "kernels" / "compiling.py"
        spec = importlib.util.spec_from_file_location("compiling", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module
