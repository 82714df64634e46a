"""File, environment and flags: which wins, and what a mistake is told."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from monitor.cli.options import default_database
from monitor.errors import SettingsError
from monitor.settings.loading import load_settings
from monitor.settings.storage import user_database

INTERVAL = "CRYSTAL_MONITOR__ANALYSIS__INTERVAL_S"


@pytest.fixture(autouse=True)
def _no_station_here(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("CRYSTAL_MONITOR__")]:
        monkeypatch.delenv(name)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "station.toml"
    path.write_text('[analysis]\ninterval_s = 3.0\nrun_name = "from the file"\n')
    return path


def test_without_anything_the_defaults_hold() -> None:
    settings = load_settings(None)
    assert settings.analysis.interval_s == 0
    assert settings.camera.kind == "simulated"


def test_environment_wins_over_file_and_flags_over_both(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert load_settings(config).analysis.interval_s == 3.0
    monkeypatch.setenv(INTERVAL, "5")
    assert load_settings(config).analysis.interval_s == 5.0
    settings = load_settings(config, {"analysis": {"interval_s": 7.0}})
    assert settings.analysis.interval_s == 7.0
    assert settings.analysis.run_name == "from the file", "what no one overrides stays as the file says"


def test_the_environment_reaches_nested_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRYSTAL_MONITOR__CAMERA__KIND", "folder")
    monkeypatch.setenv("CRYSTAL_MONITOR__CAMERA__FOLDER", "/srv/images")
    monkeypatch.setenv("CRYSTAL_MONITOR__CAMERA__TIME__TIME_ZONE", "Europe/Berlin")
    camera = load_settings(None).camera
    assert camera.kind == "folder"
    assert (camera.folder, camera.time.time_zone) == (Path("/srv/images"), "Europe/Berlin")


def test_settings_cannot_be_changed_afterwards() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load_settings(None).analysis.interval_s = 5  # type: ignore[misc]  # that is the point


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "[analysis]\nintervall_s = 5",
            r"\[analysis\] intervall_s: unknown key; did you mean 'interval_s'\?",
        ),
        (
            '[[alerts.rules]]\nname = "many"\nkind = "count"\nlimit = 1',
            r"\[\[alerts\.rules\]\] \"many\", limit: unknown key; did you mean 'limit_count'\?",
        ),
        ("[trackin]\nmax_gap_s = 5", r"\[trackin\]: unknown key; did you mean 'tracking'\?"),
        ("[camera]\nkind = 'simulated'\nfps = 5", r"\[camera\] fps: unknown key"),
        (
            "qqqq = 5",
            r"station\.toml: qqqq: unknown key; `crystal-monitor check-config --schema` lists the keys",
        ),
        ("[analysis]\ninterval_s = nan", r"\[analysis\] interval_s: it must be .*\(given: nan\)"),
        (
            "[analysis]\ninterval_s = '5 min'",
            r"\[analysis\] interval_s: it must be a number \(given: '5 min'\)$",
        ),
        ("[analysis]\nthreads = 1.5", r"\[analysis\] threads: it must be a whole number \(given: 1\.5\)$"),
        ("[analysis]\nresume = 'ja'", r"\[analysis\] resume: it must be true or false \(given: 'ja'\)$"),
        ("[camera]\nframes_per_s = 5", r"\[camera\]: it has no kind; add kind ="),
        ("name = 'a/b'", r"name: it must be a name of letters, digits, _ . and -, .*'a/b'"),
        ("[camera]\nkind = 'folder'", r"\[camera\] folder: it is missing: add it, or set .*__CAMERA__FOLDER"),
        (
            "[camera]\nkind = 'folder'\nfolder = '/x'\n[camera.time]\ntz = 'x'",
            r"\[camera\.time\] tz: unknown key",
        ),
        ("analysis = 5", r"analysis: it must be a section, or an inline table \(given: a number\)"),
        (
            "[stream.keys]\nlisteners = ['abc']",
            r"\[stream\.keys\] listeners, number 1: it must be a public CURVE key, 40 printable characters: what "
            r"stands in the file NAME\.pub that `crystal-monitor keys NAME --out FOLDER` makes \(given: 'abc'\)$",
        ),
        (
            "[[alerts.rules]]\nkind = 'bogus'",
            r"\[\[alerts\.rules\]\] number 1: there is no kind = \"bogus\": choose",
        ),
        (
            "[[alerts.sinks]]\nkind = ['log']",
            r"\[\[alerts\.sinks\]\] number 1, kind: it must be a valid string \(given: \['log'\]\)",
        ),
        (
            "[[alerts.sinks]]\nkind = 'log'\n[[alerts.sinks]]\nkind = 'mqtt'\nname = 'lab'\n"
            "[alerts.sinks.options]\nhost = 'here'\nprot = 5",
            r"\[\[alerts\.sinks\]\] \"lab\", \[alerts\.sinks\.options\] prot: unknown key; did you mean 'port'",
        ),
        (
            "[[alerts.sinks]]\nkind = 'webhook'\n[alerts.sinks.options]\nurl = 5",
            r"\[\[alerts\.sinks\]\] number 1, \[alerts\.sinks\.options\] url: a secret must not stand",
        ),
        ("[storage]\ndatabase = ''", r"\[storage\] database: "),
        ("[stream]\nendpoint = 'frames.ipc'", r"ipc:// and an absolute path"),
        ("[control]\nendpoint = 'ipc:///'", r"\[control\] endpoint: .*ipc:// and an absolute path"),
        (
            "[[alerts.sinks]]\nkind = 'zeromq'\noptions = {endpoint = 'ipc:///'}",
            r"number 1, \[alerts\.sinks\.options\] endpoint: write ipc:// and a path",
        ),
        (
            "[stream]\nendpoint = 'ipc:///tmp/'",
            r"'ipc:///tmp/' names a folder: .* such as ipc:///tmp/station\.ipc",
        ),
        (
            "[[alerts.sinks]]\nkind = 'zeromq'\noptions = {endpoint = 'ipc:///tmp/'}",
            r"options\] endpoint: the endpoint 'ipc:///tmp/' names a folder",
        ),
        ("[stream]\nendpoint = 'tcp://0.0.0.0:5555'", r"other machines, .*crystal-monitor keys"),
        ("[camera]\nkind = 'simulated'\nstarted_at = 2026-01-31T12:00:00", r"no time zone"),
    ],
)
def test_a_mistake_in_the_file_names_key_value_and_remedy(text: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "station.toml"
    path.write_text(text)
    with pytest.raises(SettingsError, match=says) as raised:
        load_settings(path)
    assert str(path) in str(raised.value)


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "station.toml"
    path.write_text("[analysis]\ninterval_s = -1\nthread = 2\n[tracking]\nmax_gap_s = -3")
    with pytest.raises(SettingsError) as raised:
        load_settings(path)
    for part in ("[analysis] interval_s:", "[analysis] thread:", "[tracking] max_gap_s:"):
        assert part in str(raised.value)


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("CRYSTAL_MONITOR__ANALISYS__INTERVAL_S", "5", "did you mean 'analysis'"),
        ("CRYSTAL_MONITOR__ANALYSIS__INTERVALL_S", "5", "did you mean 'interval_s'"),
        (INTERVAL, "often", "often"),
        ("CRYSTAL_MONITOR__ALERTS__RULES", "[not json", "ALERTS__RULES: its value is no JSON"),
    ],
)
def test_a_mistake_in_the_environment_is_told(
    variable: str, value: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError, match=says):
        load_settings(None)


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        (INTERVAL, "often", "VARIABLE: it must be a number .*'often'"),
        (
            "CRYSTAL_MONITOR__TRACKING",
            '{"max_gap": 3}',
            r"VARIABLE: \[tracking\] max_gap: unknown key; did you mean",
        ),
        ("CRYSTAL_MONITOR__ALERTS__RULES", "[not json", "VARIABLE: its value is no JSON"),
        ("crystal_monitor__analysis__threads", "-1", "VARIABLE: it must be greater"),
    ],
)
def test_a_mistake_in_the_environment_is_not_blamed_on_the_file(
    variable: str, value: str, says: str, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(
        SettingsError, match=says.replace("VARIABLE", f"^environment variable {variable}")
    ) as told:
        load_settings(config)
    assert str(config) not in str(told.value)
    config.write_text("[analysis]\nrun_name = 5\n")
    with pytest.raises(SettingsError) as told:
        load_settings(config)
    if "JSON" not in says:
        assert f"settings file {config}: [analysis] run_name: " in str(told.value), (
            "the file's own is told beside it"
        )


def test_a_mistake_of_a_flag_is_blamed_on_neither(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(INTERVAL, "5")
    with pytest.raises(SettingsError, match=r"\[analysis\] interval_s: .*given: -1") as told:
        load_settings(config, {"analysis": {"interval_s": -1}})
    assert "environment variable" not in str(told.value)


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"no\.toml does not exist"):
        load_settings(tmp_path / "no.toml")
    with pytest.raises(SettingsError, match="is a folder"):
        load_settings(tmp_path)
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match="cannot be read"):
        load_settings(binary)


def test_a_change_gate_that_would_make_the_field_blind_is_refused() -> None:
    too_old = {"analysis": {"change_gate": {"max_age_s": 90.0}}}
    assert load_settings(None, too_old).analysis.change_gate.max_age_s == 90.0, "switched off it does no harm"
    too_old["analysis"]["change_gate"]["enabled"] = True
    with pytest.raises(SettingsError, match="max_age_s is 90 s"):
        load_settings(None, too_old)


@pytest.mark.parametrize(
    "variable",
    [
        "CRYSTAL_MONITOR_ANALYSIS_INTERVAL_S",
        "CRYSTAL_MONITOR_ANALYSIS__INTERVAL_S",
        "CRYSTAL_MONITOR_STORAGE_RETENTION_RUNS_DAYS",
        "CRYSTAL_MONITOR_CAMERA_FRAMES_PER_S",
        "crystal_monitor_name",
    ],
)
def test_a_variable_with_single_underscores_is_not_passed_over(
    variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "5")
    for read in (lambda: load_settings(None), default_database):
        with pytest.raises(SettingsError, match=f"{variable}: two underscores part"):
            read()


@pytest.mark.parametrize(
    "variable",
    [
        "CRYSTAL_MONITOR_SHARED_DATA",
        # Kubernetes, of services called crystal-monitor and crystal-monitor-metrics.
        "CRYSTAL_MONITOR_SERVICE_HOST",
        "CRYSTAL_MONITOR_SERVICE_PORT_METRICS",
        "CRYSTAL_MONITOR_PORT_9464_TCP_ADDR",
        "CRYSTAL_MONITOR_METRICS_SERVICE_HOST",
    ],
)
def test_other_variables_of_the_project_are_no_settings(
    variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "somewhere")
    load_settings(None)
    default_database()


@pytest.mark.parametrize(
    ("variable", "says"),
    [
        ("CRYSTAL_MONITOR__STORAGE__DATBASE", "no setting 'datbase'; did you mean 'database'"),
        ("CRYSTAL_MONITOR__STORAGE__RETENTION__RUN_DAYS", "no setting 'run_days'; did you mean 'runs_days'"),
        ("crystal_monitor__analisys__interval_s", "no setting 'analisys'; did you mean 'analysis'"),
        ("CRYSTAL_MONITOR__METRICS__TOKEN__FIL", "no setting 'fil'; did you mean 'file'"),
        ("CRYSTAL_MONITOR__CAMERA__FOLDR", "no setting 'foldr'; did you mean 'folder'"),
    ],
)
def test_starting_and_reading_commands_are_told_the_same_of_a_misspelt_variable(
    variable: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "5")
    for read in (lambda: load_settings(None), default_database):
        with pytest.raises(SettingsError, match=f"^environment variable {variable}: there is {says}"):
            read()


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("CRYSTAL_MONITOR__STORAGE__DATABASE", "sqlite:///mine.sqlite"),
        ("crystal_monitor__storage__database", "sqlite:///mine.sqlite"),
        ("CRYSTAL_MONITOR__STORAGE", '{"database": "sqlite:///mine.sqlite"}'),
    ],
)
def test_reading_commands_find_the_database_that_a_start_would_use(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    assert default_database() == load_settings(None).storage.database == "sqlite:///mine.sqlite"


def test_what_lies_below_a_plugins_options_is_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRYSTAL_MONITOR__CAMERA", '{"kind": "plugin", "name": "mine"}')
    monkeypatch.setenv("CRYSTAL_MONITOR__CAMERA__OPTIONS__EXPOSURE", "5")
    assert default_database() == user_database()
