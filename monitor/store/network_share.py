"""Whether a folder lies on a network share, where SQLite's locks and its shared memory cannot be relied on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from monitor.errors import StoreUnusableError

MOUNTS = Path("/proc/self/mountinfo")

# fmt: off
_SHARES = frozenset(
    (
        "9p", "afs", "beegfs", "ceph", "cifs", "coda", "fhgfs", "gfs2",
        "glusterfs", "gpfs", "lustre", "ncpfs", "nfs", "nfs4", "ocfs2", "orangefs",
        "prl_fs", "pvfs2", "smb2", "smb3", "smbfs", "vboxsf", "virtiofs", "vmhgfs",
    )
)
# fmt: on
# What FUSE serves is as a rule somewhere else (sshfs, s3fs, rclone, vmhgfs-fuse ...); these are local disks.
_LOCAL_FUSE = frozenset({"fuseblk", "fuse.fuse-overlayfs", "fuse.ntfs-3g", "fuse.exfat", "fuse.mergerfs"})
_ESCAPED = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True, slots=True)
class Mount:
    """One line of mountinfo."""

    point: str
    """Where it is mounted."""
    kind: str
    """The file system's type, such as `ext4` or `nfs4`."""
    source: str
    """What is mounted there, such as `server:/export`."""

    @property
    def is_share(self) -> bool:
        """Whether several machines may have it mounted."""
        fuse = self.kind == "fuse" or self.kind.startswith("fuse.")
        return self.kind in _SHARES or (fuse and self.kind not in _LOCAL_FUSE)


def read_mounts(text: str) -> tuple[Mount, ...]:
    """The mounts in the text of `/proc/self/mountinfo`; see proc(5)."""
    found = []
    for line in text.splitlines():
        before, _, after = line.partition(" - ")
        place, kind = before.split(" "), after.split(" ")
        if len(place) >= 5 and len(kind) >= 2:
            found.append(Mount(_plain(place[4]), kind[0], _plain(kind[1])))
    return tuple(found)


def mount_of(folder: Path, mounts: tuple[Mount, ...]) -> Mount | None:
    """What holds the folder, an absolute path without links: the deepest mount, the last of those at one place."""
    here = [folder, *folder.parents]
    above = [mount for mount in mounts if Path(mount.point) in here]
    return max(reversed(above), key=lambda mount: len(Path(mount.point).parts), default=None)


def check_local(database: Path) -> None:
    """Raise `StoreUnusableError`, with the reason, where an SQLite file would lie on a network share."""
    try:
        mounts = read_mounts(MOUNTS.read_text(encoding="utf-8", errors="surrogateescape"))
        mount = mount_of(database.parent.resolve(), mounts)
    except OSError:
        return  # not Linux, or no /proc: nothing is known
    if mount is not None and mount.is_share:
        raise StoreUnusableError(
            f"the database {database} lies on a network share ({mount.kind}, {mount.source} at {mount.point}), where "
            "SQLite's locks do not hold and a commit may be torn: name a file on a local disk and copy backups to the "
            "share, or use PostgreSQL where several machines read; if this machine alone will ever open it and the "
            "share syncs and locks as a disk does, set storage.allow_network_share = true"
        )


def _plain(text: str) -> str:
    return _ESCAPED.sub(lambda found: chr(int(found[1], 8)), text)
