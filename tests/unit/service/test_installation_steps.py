"""An installation does all of its steps, or leaves everything as it was."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from monitor.clock import SystemClock
from monitor.service.installation.errors import InstallError
from monitor.service.installation.files import Part, machine_files, part_here, shipped, station_files
from monitor.service.installation.installing import InstallWish, install, upgrade, wrong_credentials
from monitor.service.installation.places import Places
from monitor.service.installation.removing import uninstall
from monitor.service.installation.steps import Check, Command, RemoveFile, WriteFile, carry_out
from monitor.settings.station import StationSettings


def quiet(_line: str) -> None: ...


def tree(folder: Path) -> dict[str, str]:
    """Every file and folder below, with text and mode."""
    return {
        f"{path.relative_to(folder)}": f"{path.stat().st_mode:o} {path.read_text() if path.is_file() else ''}"
        for path in sorted(folder.rglob("*"))
    }


@pytest.fixture
def place(tmp_path: Path) -> Path:
    folder = tmp_path / "etc"
    (folder / "old").mkdir(parents=True)
    (folder / "old" / "kept.conf").write_text("as it was")
    (folder / "old" / "kept.conf").chmod(0o600)
    (folder / "alone" / "deep").mkdir(parents=True)
    (folder / "alone" / "deep" / "gone.conf").write_text("removed")
    return folder


def steps(place: Path) -> list[WriteFile | RemoveFile | Command]:
    return [
        WriteFile(place / "new" / "deep" / "unit.service", "text"),
        WriteFile(place / "old" / "kept.conf", "another", 0o644),
        RemoveFile(place / "alone" / "deep" / "gone.conf", place),
        Command(("touch", str(place / "touched")), ("rm", str(place / "touched"))),
    ]


def test_all_steps_are_done_and_told(place: Path) -> None:
    told: list[str] = []
    assert carry_out(steps(place), told.append, dry_run=False) == 4
    assert (place / "new/deep/unit.service").read_text() == "text"
    assert (place / "old/kept.conf").read_text() == "another"
    assert not (place / "alone").exists()
    assert (place / "touched").exists()
    assert [line.split()[0] for line in told] == ["write", "replace", "remove", "run"]


def test_files_that_are_there_already_are_no_step(place: Path) -> None:
    files = steps(place)[:3]
    carry_out(files, quiet, dry_run=False)
    again = steps(place)[:3]
    assert carry_out(again, quiet, dry_run=False) == 0


def test_a_dry_run_tells_and_does_nothing(place: Path) -> None:
    before, told = tree(place), []
    carry_out(steps(place), told.append, dry_run=True)
    assert len(told) == 4
    assert told[0].startswith("would write")
    assert tree(place) == before


@dataclass
class BrokenStep(WriteFile):
    """Fails after it was begun."""

    def do(self) -> None:
        super().do()
        raise OSError(28, "No space left on device")


@pytest.mark.parametrize("broken", range(5))
def test_a_step_that_fails_takes_all_back(place: Path, broken: int) -> None:
    before = tree(place)
    wanted: list[WriteFile | RemoveFile | Command] = steps(place)
    wanted.insert(broken, BrokenStep(place / "broken" / "file", "half"))
    with pytest.raises(InstallError, match=r"No space left on device\n*.*Everything is as it was before"):
        carry_out(wanted, quiet, dry_run=False)
    assert tree(place) == before


def test_a_check_that_fails_says_why_and_what_could_not_be_undone(place: Path) -> None:
    before = tree(place)
    failing = Check("the station", lambda: "it does not serve")
    stuck = Command(("true",), ("false",))
    with pytest.raises(InstallError, match=r"it does not serve\nEverything.*but for this: false failed"):
        carry_out([*steps(place), stuck, failing], quiet, dry_run=False)
    assert tree(place) == before


def test_a_command_that_fails_or_is_missing_is_told(place: Path) -> None:
    with pytest.raises(InstallError, match=r"failed with code 1: .*no such"):
        carry_out([Command(("sh", "-c", "echo no such unit >&2; exit 1"))], quiet, dry_run=False)
    with pytest.raises(InstallError, match="no-such-program"):
        carry_out([Command(("no-such-program",))], quiet, dry_run=False)


def test_units_run_this_environments_command(tmp_path: Path) -> None:
    files = machine_files(Places(tmp_path), Path("/srv/100% mine/bin/crystal-monitor"), 252)
    units = {file.path.name: file.text for file in files}
    assert "ExecStart=/srv/100%%\\x20mine/bin/crystal-monitor grab /etc/" in units["crystal-grabber@.service"]
    assert "/opt/crystal-monitor" not in units["crystal-monitor@.service"]


def test_back_off_is_for_the_systemd_that_knows_it(tmp_path: Path) -> None:
    def names(version: int) -> set[str]:
        return {file.path.name for file in machine_files(Places(tmp_path), Path("/x"), version)}

    assert names(254) - names(252) == {"backoff.conf"}


def test_drop_ins_are_those_that_were_asked_for(tmp_path: Path) -> None:
    def files(**wishes: object) -> dict[str, str]:
        asked = {
            "part": Part.BOTH,
            "credentials": (),
            "camera_credentials": (),
            "camera_networks": (),
            "networks": (),
            "nvidia": False,
        } | wishes
        made = station_files(Places(tmp_path), "bench", **asked)  # type: ignore[arg-type]
        return {f"{file.path.parent.name}/{file.path.name}": file.text for file in made}

    assert files() == {}
    assert files(credentials=["webhook.key"]) == {
        "crystal-monitor@bench.service.d/credentials.conf": "# Written by `crystal-monitor install`.\n[Service]\n"
        "LoadCredential=webhook.key:/etc/crystal-monitor/secrets/webhook.key\n"
    }
    camera = files(camera_networks=["192.168.7.0/24", "10.0.0.7"])[
        "crystal-grabber@bench.service.d/network.conf"
    ]
    assert "PrivateNetwork=no" in camera
    assert "IPAddressAllow=192.168.7.0/24\nIPAddressAllow=10.0.0.7\n" in camera
    analysis = files(networks=["any"])["crystal-monitor@bench.service.d/network.conf"]
    assert "IPAddressAllow=any" in analysis
    assert "PrivateNetwork" not in analysis
    assert list(files(camera_credentials=["grabber.key"])) == [
        "crystal-grabber@bench.service.d/credentials.conf"
    ]
    elsewhere = files(part=Part.GRABBER)
    assert list(elsewhere) == ["crystal-monitor@bench.service.d/elsewhere.conf"]
    assert "ConditionPathExists=!/" in elsewhere["crystal-monitor@bench.service.d/elsewhere.conf"]
    assert list(files(part=Part.ANALYSIS)) == ["crystal-grabber@bench.service.d/elsewhere.conf"]
    assert list(files(nvidia=True)) == ["crystal-monitor@bench.service.d/nvidia.conf"]


@pytest.mark.parametrize("part", Part)
def test_what_of_a_station_is_here_is_known_from_its_drop_ins(tmp_path: Path, part: Part) -> None:
    places = Places(tmp_path)
    assert part_here(places, "bench") is Part.BOTH
    files = station_files(
        places,
        "bench",
        part=part,
        credentials=(),
        camera_credentials=(),
        camera_networks=(),
        networks=(),
        nvidia=False,
    )
    carry_out(files, quiet, dry_run=False)
    assert part_here(places, "bench") is part
    assert part_here(places, "other") is Part.BOTH


def test_a_station_both_halves_of_which_are_elsewhere_is_told(tmp_path: Path) -> None:
    places = Places(tmp_path)
    folders = [places.units / f"{name}bench.service.d" for name in ("crystal-monitor@", "crystal-grabber@")]
    for folder in folders:
        folder.mkdir(parents=True)
        (folder / "elsewhere.conf").touch()
    with pytest.raises(InstallError, match="neither the analysis nor the grabber of station 'bench'") as told:
        part_here(places, "bench")
    assert all(f"{folder}/elsewhere.conf" in str(told.value) for folder in folders)


@pytest.mark.parametrize("name", ["-bench", "../etc", "", "a b", "x" * 65])
def test_a_name_that_no_unit_can_have_is_refused(name: str, command: None) -> None:
    with pytest.raises(InstallError, match="use letters, digits"):
        install(InstallWish(name), Places(), quiet, SystemClock(), dry_run=True)


def test_an_address_that_is_none_is_refused(command: None) -> None:
    with pytest.raises(InstallError, match=r"'192\.168\.7' is no address or subnet: write it as"):
        install(InstallWish(None, networks=("192.168.7",)), Places(), quiet, SystemClock(), dry_run=True)


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> None:
    """This environment may lie where no unit can run it."""
    monkeypatch.setattr("monitor.service.installation.installing.station_command", lambda: Path("/bin/true"))


def test_an_environment_that_units_cannot_run_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.prefix", "/nowhere")
    with pytest.raises(
        InstallError, match="this environment has no /nowhere/bin/crystal-monitor: install it where"
    ):
        install(InstallWish(None), Places(), quiet, SystemClock(), dry_run=True)


def test_a_station_without_settings_and_an_upgrade_of_nothing_are_refused(
    tmp_path: Path, command: None
) -> None:
    with pytest.raises(InstallError, match=r"give them with --config FILE"):
        install(InstallWish("bench"), Places(tmp_path), quiet, SystemClock(), dry_run=True)
    with pytest.raises(InstallError, match="begin with `crystal-monitor install"):
        upgrade(Places(tmp_path), quiet, SystemClock(), dry_run=True)
    with pytest.raises(InstallError, match="there is no station 'bench' here; there are: none"):
        uninstall("bench", Places(tmp_path), quiet, dry_run=True)


def test_secrets_that_a_service_needs_no_more_are_not_given_to_it(tmp_path: Path, command: None) -> None:
    places = Places(tmp_path)
    config = tmp_path / "both.toml"
    config.write_text(
        "[camera]\nkind = 'simulated'\n[stream]\nendpoint = 'tcp://127.0.0.1:5570'\n[stream.keys]\n"
        f"grabber_secret = {{ credential = 'grabber.key' }}\nlistener_secret = {{ credential = 'analysis.key' }}\n"
        f"grabber_public = '{'x' * 40}'\nlisteners = ['{'y' * 40}']\n"
    )
    monitor, grabber = (
        places.units / f"{name}bench.service.d" / "credentials.conf"
        for name in ("crystal-monitor@", "crystal-grabber@")
    )

    def told(part: Part, written: Path = config) -> list[str]:
        lines: list[str] = []
        install(InstallWish("bench", written, part=part), places, lines.append, SystemClock(), dry_run=True)
        return [line for line in lines if "credentials.conf" in line]

    assert told(Part.BOTH) == [f"would write {monitor}", f"would write {grabber}"], "the control"
    for folder in (monitor.parent, grabber.parent):
        folder.mkdir(parents=True)
    grabber.write_text("# Written by `crystal-monitor install`.\n[Service]\nLoadCredential=grabber.key:/k\n")
    assert told(Part.ANALYSIS) == [f"would remove {grabber}", f"would write {monitor}"]
    monitor.write_text("# The administrator's own.\n")
    without = tmp_path / "without.toml"
    without.write_text("[camera]\nkind = 'simulated'\n")
    assert told(Part.BOTH, without) == [f"would remove {grabber}"], "what another wrote stays"


def test_every_file_that_is_installed_is_shipped() -> None:
    for name in ("dropins/backoff.conf", "dropins/monitor-nvidia.conf", "udev/70-crystal-camera.rules"):
        assert shipped(name).startswith("# ")
    with pytest.raises(InstallError, match="lacks its file"):
        shipped("no.conf")


def test_every_credential_must_be_there_before_a_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    tree = {
        "metrics": {"listen": "192.0.2.7:9464", "token": {"credential": "token"}},
        "alerts": {"sinks": [{"kind": "webhook", "options": {"url": {"credential": "lab-url"}}}]},
    }
    settings = StationSettings.model_validate(tree)
    for name in ("token", "lab-url"):
        (tmp_path / name).write_text("secret")
        (tmp_path / name).chmod(0o600)
    assert wrong_credentials(settings, tmp_path) == "", "the control"
    (tmp_path / "lab-url").unlink()
    missing = wrong_credentials(settings, tmp_path)
    assert missing.startswith(
        '[[alerts.sinks]] "webhook", options.url: the secret credential lab-url is not in'
    )
    assert f"sudo install -D -m 600 FILE {tmp_path}/lab-url" in missing
    assert "token" not in missing
    (tmp_path / "token").chmod(0o644)
    assert f"chmod 600 {tmp_path}/token" in wrong_credentials(settings, tmp_path)


def test_what_stays_is_told_whole(tmp_path: Path) -> None:
    places = Places(tmp_path)
    for folder in (places.state, places.backups, places.config / "secrets", tmp_path / "etc"):
        folder.mkdir(parents=True, exist_ok=True)
    (tmp_path / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\n")
    folders = [str(folder) for folder in (places.state, places.backups, places.config / "secrets")]
    assert uninstall(None, places, quiet, dry_run=True) == folders, "the control: no accounts were made"
    (tmp_path / "etc/passwd").write_text("crystal-monitor:x:990:990::/:/usr/sbin/nologin\n")
    (tmp_path / "etc/group").write_text("crystal-monitor:x:990:\ncrystal-readers:x:991:\n")
    left = uninstall(None, places, quiet, dry_run=True)
    assert left == [
        *folders,
        "the user crystal-monitor (userdel crystal-monitor)",
        "the group crystal-readers (groupdel crystal-readers)",
    ]
