"""A database on a network share is refused with the reason: a real mount of the kind that sshfs makes."""

from __future__ import annotations

import ctypes
import os
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import tomli_w

from monitor.errors import StoreUnusableError
from monitor.store import check_local, open_store
from tests.integration.live_station import station_tree
from tests.small_disk import mounted_disk

_LOOKUP, _FORGET, _GETATTR, _INIT, _MANY_FORGET = 1, 2, 3, 26, 42
_ENOENT, _ENOSYS = 2, 38


def _answer(operation: int) -> bytes | int:
    """What the empty folder of the "server" says; a number is an error."""
    if operation == _INIT:
        return struct.pack("<IIIIHHIIHHI28x", 7, 31, 65_536, 0, 12, 9, 131_072, 1, 0, 0, 0)
    if operation == _GETATTR:
        attributes = struct.pack("<6Q10I", 1, 0, 0, 0, 0, 0, 0, 0, 0, 0o040755, 2, 0, 0, 0, 4096, 0)
        return struct.pack("<QII", 60, 0, 0) + attributes
    return _ENOENT if operation == _LOOKUP else _ENOSYS


def _serve(device: int) -> None:
    """Answer the kernel until the share is unmounted."""
    while True:
        try:
            asked = os.read(device, 2**18)
        except OSError:
            return
        _, operation, unique = struct.unpack_from("<IIQ", asked)
        if operation in (_FORGET, _MANY_FORGET):
            continue
        answer = _answer(operation)
        body, error = (answer, 0) if isinstance(answer, bytes) else (b"", -answer)
        os.write(device, struct.pack("<IiQ", 16 + len(body), error, unique) + body)


@pytest.fixture
def share(tmp_path: Path) -> Iterator[Path]:
    """A folder that FUSE serves, as a share of sshfs: the type in mountinfo is the real one."""
    folder = tmp_path / "share"
    folder.mkdir()
    try:
        device = os.open("/dev/fuse", os.O_RDWR)
    except OSError as error:
        pytest.skip(f"FUSE is not to be had here: {error}")
    libc = ctypes.CDLL(None, use_errno=True)
    options = f"fd={device},rootmode=40755,user_id=0,group_id=0".encode()
    if libc.mount(b"me@server:/data", str(folder).encode(), b"fuse.sshfs", 0, options) != 0:
        os.close(device)
        pytest.skip(f"FUSE cannot be mounted here: {os.strerror(ctypes.get_errno())}")
    server = threading.Thread(target=_serve, args=(device,))
    server.start()
    try:
        yield folder
    finally:
        libc.umount2(str(folder).encode(), 2)
        os.close(device)
        server.join(10)


def test_a_share_is_refused_with_the_reason_and_the_way_out(share: Path) -> None:
    with pytest.raises(StoreUnusableError) as refused:
        open_store(str(share / "trails.sqlite"))
    message = str(refused.value)
    assert "lies on a network share (fuse.sshfs, me@server:/data" in message
    assert "SQLite's locks do not hold" in message
    assert "use PostgreSQL" in message
    assert "storage.allow_network_share = true" in message


def test_who_insists_is_let_through(share: Path) -> None:
    with pytest.raises(StoreUnusableError, match="cannot be made"):  # the share is empty and takes nothing
        open_store(str(share / "trails.sqlite"), allow_network_share=True)


def test_check_config_says_so_before_a_start(share: Path, short_folder: Path) -> None:
    tree = station_tree(short_folder, storage={"database": f"sqlite:///{share}/trails.sqlite"})
    config = short_folder / "station.toml"
    config.write_text(tomli_w.dumps(tree))
    command = [sys.executable, "-m", "monitor.cli", "check-config", str(config)]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert answer.returncode == 2
    assert "storage.database: " in answer.stderr
    assert "lies on a network share" in answer.stderr


def test_local_disks_are_not(tmp_path: Path) -> None:
    check_local(tmp_path / "trails.sqlite")
    with mounted_disk(megabytes=2) as folder:
        check_local(folder / "trails.sqlite")
