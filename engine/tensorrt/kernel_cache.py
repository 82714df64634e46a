"""The kernels that TensorRT for RTX compiles on the card, kept on disk so that the next start need not."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from engine.tensorrt.building import put_in_place
from engine.trust import UntrustedFileError, read_trusted

_LOG = logging.getLogger("engine.tensorrt")


class KernelCache:
    """One file; kernels are code, so it is read under the same conditions as an engine."""

    def __init__(self, path: Path | None) -> None:
        """Keep kernels in `path`; None keeps them in memory only."""
        self._path = path
        self._cache: Any = None
        self._stored = b""

    def attach(self, config: Any) -> None:
        """Fill the cache of a runtime configuration from the file; what does not fit is compiled anew."""
        if self._cache is None:
            self._cache = config.create_runtime_cache()
            self._stored = self._read()
            if self._stored:
                # The library itself refuses kernels of another card or version.
                self._cache.deserialize(self._stored)
        config.set_runtime_cache(self._cache)

    def save(self) -> None:
        """Write what was compiled since; a file that cannot be written costs only time."""
        if self._path is None or self._cache is None:
            return
        serialized = self._cache.serialize()
        content = bytes(serialized) if serialized is not None else b""
        if not content or content == self._stored:
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
            put_in_place(self._path, content)
        except OSError as error:
            _LOG.warning("Compiled kernels cannot be kept in %s (%s).", self._path, error)
        else:
            self._stored = content

    def _read(self) -> bytes:
        if self._path is None:
            return b""
        try:
            return read_trusted(self._path)
        except FileNotFoundError:
            return b""
        except (UntrustedFileError, OSError) as refusal:
            _LOG.warning("%s Kernels are compiled anew.", refusal)
            return b""
