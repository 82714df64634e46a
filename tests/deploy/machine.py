"""A throw-away machine with a real systemd: booted, rebooted and switched off like one, over a copy-on-write root."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.conftest import PROJECT_ROOT

PREFIX = Path("/opt/crystal-monitor")
"""Where the machine has Crystal Monitor: a virtual environment, as a station's is."""
PATIENCE_S = 120.0
_PACKAGES = ("monitor", "engine")
_FOREIGN_SERVICES = ("multi-user.target.wants", "timers.target.wants", "sockets.target.wants")
_NO_TERMINALS = ("console-getty.service", "getty@.service", "serial-getty@.service", "getty.target")
"""They fail where there is no terminal, and the tool that waits for the machine wants nothing to have failed."""

_SHARED_ROOT = """
# On a machine systemd shares its mounts with its services' namespaces; told that it is in a container it leaves that
# to others, and credentials would stay empty.
[Unit]
DefaultDependencies=no
Before=sysinit.target
[Service]
Type=oneshot
ExecStart=/bin/mount --make-rshared /
"""


class Machine:
    """One machine. What it writes lies in `folder`/disk; what is in memory goes when it is switched off."""

    def __init__(self, folder: Path) -> None:
        """Make its disk, with Crystal Monitor and without the services of the machine below. Skips the test where a
        sandbox cannot be."""
        self._tools = _tools()
        self.folder = folder
        self._box, self._disk = folder / "box", folder / "disk"
        self._process: subprocess.Popen[bytes] | None = None
        self._pid = ""
        self._make_disk()

    @property
    def root(self) -> Path:
        """Its file system while it runs, as the test sees it."""
        return Path(f"/proc/{self._pid}/root")

    def boot(self) -> None:
        """Switch it on and wait until it is up."""
        log = (self.folder / "console.log").open("ab")
        self._process = subprocess.Popen(
            [self._tools / "systemd-sandbox", self._box, self._disk], stdout=log, stderr=log
        )
        log.close()
        found = subprocess.run(
            [self._tools / "systemd-sandbox-pid", self._box], capture_output=True, text=True, check=False
        )
        self._pid = found.stdout.strip()
        assert self._pid, (
            f"the machine does not come up:\n{(self.folder / 'console.log').read_text()[-4000:]}"
        )

    def reboot(self) -> None:
        """Shut it down in order, and switch it on again."""
        self.run("systemctl", "reboot", check=False)
        self._gone()
        self.boot()

    def cut_power(self) -> None:
        """Switch it off at once."""
        if self._process is not None:
            self._process.kill()
            self._gone()

    def _gone(self) -> None:
        assert self._process is not None
        self._process.wait(PATIENCE_S)
        self._process = None

    def run(
        self, *command: str | Path, user: str | None = None, check: bool = True, timeout_s: float = PATIENCE_S
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in it, as root or as `user`, in an environment of its own."""
        enter = ["nsenter", "-t", self._pid, "-m", "-p", "-u", "-i", "-C", "-r", "-w", "--"]
        as_user = ["runuser", "-u", user, "--"] if user else []
        environment = {"PATH": f"{PREFIX}/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}
        done = subprocess.run(
            [*enter, *as_user, *map(str, command)],
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout_s,
            env=environment,
        )
        if check:
            assert done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def show(self, unit: str, prop: str) -> str:
        """One property of a unit, as `systemctl show` has it."""
        return self.run("systemctl", "show", "--value", "-p", prop, unit).stdout.strip()

    def journal(self, unit: str = "*crystal*") -> str:
        """The end of what its units said."""
        return self.run(
            "journalctl", "--no-pager", "-q", "-o", "short-precise", "-n", "40", "-u", unit
        ).stdout

    def until(self, question: Callable[[], object], what: str, patience_s: float = PATIENCE_S) -> object:
        """Ask until the answer is neither None, False, 0 nor empty; the answer."""
        end = time.monotonic() + patience_s
        while not (answer := question()):
            assert time.monotonic() < end, f"waited {patience_s} s in vain for {what}\n{self.journal()}"
            time.sleep(0.1)
        return answer

    def _make_disk(self) -> None:
        upper = self._disk / "upper"
        units = upper / "etc/systemd/system"
        for folder in [
            *(units / name for name in _FOREIGN_SERVICES),
            *(upper / f"etc/rc{n}.d" for n in "2345S"),
        ]:
            folder.mkdir(parents=True)
            os.setxattr(folder, "trusted.overlay.opaque", b"y")  # hides what the machine below has there
        for name in _NO_TERMINALS:
            (units / name).symlink_to("/dev/null")
        (units / "shared-root.service").write_text(_SHARED_ROOT)
        (units / "sysinit.target.wants").mkdir(exist_ok=True)
        (units / "sysinit.target.wants/shared-root.service").symlink_to("../shared-root.service")
        prefix = upper / PREFIX.relative_to("/")
        interpreter = _interpreter()
        subprocess.run([interpreter, "-m", "venv", "--without-pip", prefix], check=True)
        site = next((prefix / "lib").glob("python3*/site-packages"))
        below = _packages_below()
        (site / "below.pth").write_text(f"{below}\n")
        unfinished = shutil.ignore_patterns("*.pyc.*")  # somebody imports it at this moment
        for package in _PACKAGES:
            shutil.copytree(PROJECT_ROOT / package, site / package, ignore=unfinished)
        shutil.copytree(PROJECT_ROOT / "deploy/systemd", site / "monitor/deploy/systemd")
        shutil.copy(PROJECT_ROOT / "tests/deploy/cable_camera.py", site)
        plugin = site / "cable_camera-1.dist-info"
        plugin.mkdir()
        (plugin / "METADATA").write_text("Metadata-Version: 2.1\nName: cable-camera\nVersion: 1\n")
        (plugin / "entry_points.txt").write_text(
            "[crystal_monitor.cameras]\ncable = cable_camera:CableCamera\n"
        )
        script = prefix / "bin/crystal-monitor"
        script.write_text(f"#!{PREFIX}/bin/python\nfrom monitor.cli import main\nmain()\n")
        script.chmod(0o755)


def _tools() -> Path:
    folder = Path(os.environ.get("CRYSTAL_MONITOR_SHARED_TOOLS", PROJECT_ROOT.parent / "shared/tools"))
    if not (folder / "systemd-sandbox").is_file():
        pytest.skip("systemd-sandbox is not here: set CRYSTAL_MONITOR_SHARED_TOOLS to its folder")
    if os.geteuid() != 0:
        pytest.skip("a machine of its own needs root")
    if not Path("/lib/systemd/systemd").exists():
        pytest.skip("systemd is not installed")
    return folder


def _packages_below() -> Path:
    """This environment's packages, which the machine sees where they are."""
    found = find_spec("pydantic")
    assert found is not None
    folder = Path(found.origin or "").parent.parent
    if folder.is_relative_to("/tmp") or folder.is_relative_to("/run"):
        pytest.skip(f"the machine has a /tmp of its own and cannot see this environment, {folder}")
    return folder


def _interpreter() -> Path:
    """An interpreter of this version that every user of the machine may run."""
    name = f"python3.{sys.version_info.minor}"
    for path in (Path(sys.executable).resolve(), Path("/usr/local/bin") / name, Path("/usr/bin") / name):
        open_to_all = (
            all(folder.stat().st_mode & 0o001 for folder in path.parents) if path.exists() else False
        )
        if open_to_all:
            return path
    pytest.skip(f"no {name} that other users may run: {sys.executable} is in a closed folder")
