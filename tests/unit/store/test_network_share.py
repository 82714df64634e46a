"""Which mounts are network shares, by the lines that Linux writes for them."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.store.network_share import Mount, mount_of, read_mounts

LINES = r"""
21 1 254:0 / / rw,relatime - ext4 /dev/root rw
24 21 0:5 / /dev rw,relatime - devtmpfs devtmpfs rw
30 21 0:41 / /data rw,relatime shared:12 - nfs4 lab-server:/export/data rw,vers=4.2
31 30 254:1 / /data/local rw,relatime - xfs /dev/sdb1 rw
32 21 0:42 / /media/my\040share rw,nosuid - cifs //server/my\040share rw
33 21 0:43 / /home/me/remote rw,nosuid master:1 propagate_from:2 - fuse.sshfs me@server: rw
34 21 0:44 / /stick rw - fuseblk /dev/sdc1 rw
35 21 0:45 / /twice rw - tmpfs tmpfs rw
36 21 0:46 / /twice rw - 9p host rw,trans=virtio
37 21 0:47 / /containers rw - overlay overlay rw,lowerdir=/a
"""


def kind(folder: str) -> Mount:
    mount = mount_of(Path(folder), read_mounts(LINES))
    assert mount is not None
    return mount


@pytest.mark.parametrize(
    ("folder", "share"),
    [
        ("/var/lib/station", False),
        ("/data/trails", True),
        ("/data", True),
        ("/data/local/trails", False),
        ("/database", False),
        ("/media/my share/trails", True),
        ("/home/me/remote", True),
        ("/home/me", False),
        ("/stick/trails", False),
        ("/twice/x", True),
        ("/containers/x", False),
    ],
)
def test_the_deepest_mount_decides(folder: str, share: bool) -> None:
    assert kind(folder).is_share is share


def test_the_mount_is_named() -> None:
    assert kind("/media/my share") == Mount("/media/my share", "cifs", "//server/my share")
    assert kind("/data/trails").source == "lab-server:/export/data"


def test_lines_that_are_none_are_passed_over() -> None:
    assert read_mounts("nonsense\n- -\n\n") == ()
    assert mount_of(Path("/x"), ()) is None
