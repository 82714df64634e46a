"""Secrets by reference: read from a safe place, refused from any other, shown nowhere."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from monitor.errors import SettingsError
from monitor.settings.base import SettingsModel
from monitor.settings.loading import load_settings
from monitor.settings.mistakes import explain
from monitor.settings.redaction import settings_snapshot, without_passwords, without_secrets
from monitor.settings.secrets import LONGEST_SECRET_BYTES, Secret, secrets_in
from monitor.settings.station import StationSettings

WORD = "correct-horse-battery"


class Sink(SettingsModel):
    key: Secret | None = None


class Station(SettingsModel):
    sinks: tuple[Sink, ...] = ()
    password: Secret | None = None


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "key"
    path.write_text(f"{WORD}\n")
    path.chmod(0o600)
    return path


@pytest.fixture
def credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "credentials"
    folder.mkdir()
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder))
    return folder


def test_a_file_and_a_credential_are_read_when_they_are_used(file: Path, credentials: Path) -> None:
    secret = Secret(file=file)
    assert secret.read().get_secret_value() == WORD
    file.write_text("changed\r\n")
    assert secret.read().get_secret_value() == "changed", "a rotated secret holds from its next use on"
    (credentials / "broker").write_text(WORD)
    (credentials / "broker").chmod(0o400)
    assert Secret(credential="broker").read_bytes() == WORD.encode()


def test_the_word_is_shown_nowhere(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    station = Station(password=Secret(file=file), sinks=(Sink(key=Secret(file=file)),))
    assert station.password is not None
    word = station.password.read()
    assert word.get_secret_value() == WORD, "the control: it was read"
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("test").warning("%s %r %s %r", station, station, word, word)
    shown = [
        caplog.text,
        station.model_dump_json(),
        settings_snapshot(station),
        str(vars(station)),
        f"{word}",
    ]
    assert all(WORD not in text for text in shown)
    assert str(file) in settings_snapshot(station), "the reference is what is kept"
    assert [name for name, _ in secrets_in(station)] == ["[[sinks]] number 1, key", "password"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o622, 0o610, 0o644, 0o666])
def test_a_file_that_others_may_read_or_write_is_refused(file: Path, mode: int) -> None:
    file.chmod(mode)
    with pytest.raises(SettingsError, match=f"mode 0{mode:o}, so that others .*chmod 600") as refused:
        Secret(file=file).read()
    assert WORD not in str(refused.value)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_another_user_is_refused(file: Path) -> None:
    os.chown(file, 65534, 65534)
    with pytest.raises(SettingsError, match="belongs to user 65534"):
        Secret(file=file).read()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can have a credential as systemd lays it out")
def test_systemds_access_list_shows_as_the_groups_permission_to_read(credentials: Path) -> None:
    path = credentials / "broker"
    path.write_text(WORD)
    path.chmod(0o440)
    assert Secret(credential="broker").read().get_secret_value() == WORD
    for mode in (0o444, 0o460, 0o450):
        path.chmod(mode)
        with pytest.raises(SettingsError, match="others may read"):
            Secret(credential="broker").read()


def test_what_is_no_secret_is_refused_with_the_remedy(tmp_path: Path, file: Path) -> None:
    def refusal(secret: Secret) -> str:
        with pytest.raises(SettingsError) as refused:
            secret.read()
        return str(refused.value)

    assert "cannot be read (No such file" in refusal(Secret(file=tmp_path / "missing"))
    assert "no regular file" in refusal(Secret(file=tmp_path))
    os.mkfifo(tmp_path / "pipe", 0o600)
    assert "no regular file" in refusal(Secret(file=tmp_path / "pipe")), "and it does not wait for a writer"
    for content, says in (
        (b"\n", "is empty"),
        (b"\xff\xfe", "is no text"),
        (b"x" * (LONGEST_SECRET_BYTES + 1), "too long"),
    ):
        file.write_bytes(content)
        assert says in refusal(Secret(file=file))


def test_a_credential_without_systemd_says_what_the_unit_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    with pytest.raises(SettingsError, match="LoadCredential=broker:PATH"):
        Secret(credential="broker").read()


@pytest.mark.parametrize(
    "written",
    [
        WORD,
        {"value": WORD},
        {"file": "/x", "password": WORD},
        {"file": "/x", "credential": WORD},
        {"credential": f"{WORD}!"},
        {"credential": f"../{WORD}"},
        {},
        [WORD],
    ],
)
def test_the_word_itself_in_the_settings_is_refused_and_not_repeated(written: object) -> None:
    with pytest.raises(ValidationError) as raised:
        Station.model_validate({"password": written})
    told = explain(raised.value, {"password": written}, None, {})
    assert "password: " in told
    assert 'write { file = "/etc/crystal-monitor/NAME" }' in told
    assert WORD not in told


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://lab:PW@server/crystals",
        "postgresql://server/crystals?user=lab&password=PW",
        "rtsp://admin:PW@10.0.0.7:554/stream?channel=1",
        "rtsp://admin:P@W@10.0.0.7/stream",
        "postgresql://lab:a/PW@server/crystals",
        "https://hooks.example/x?access_token=PW&y=1",
        "say postgresql+psycopg://lab:PW@server/crystals, and rtsp://a:PW@b/c",
    ],
)
def test_a_password_in_an_address_becomes_stars(address: str) -> None:
    hidden = without_passwords(address)
    assert "PW" not in hidden
    assert "P@W" not in hidden
    assert "***" in hidden


@pytest.mark.parametrize(
    "address",
    [
        "sqlite:////var/lib/a:b@c.sqlite",
        "ipc:///run/x",
        "postgresql://lab@server/crystals?sslmode=require",
        "a: b@c",
    ],
)
def test_what_is_no_password_stays(address: str) -> None:
    assert without_passwords(address) == address


def test_the_snapshot_of_a_station_keeps_everything_but_the_password() -> None:
    station = StationSettings.model_validate({"storage": {"database": "postgresql://lab:PW@server/crystals"}})
    kept = settings_snapshot(station)
    assert "PW" not in kept
    assert "postgresql://lab:***@server/crystals" in kept
    assert StationSettings.model_validate_json(kept).completion == station.completion


def station_with_secrets() -> StationSettings:
    return StationSettings.model_validate(
        {
            "camera": {
                "kind": "plugin",
                "name": "lab",
                "options": {
                    "exposure_ms": 12,
                    "host": "10.0.0.7",
                    "apiKey": "HIDE1",
                    "Password": "HIDE2",
                    "pins": {
                        "access_tokens": ["HIDE3"],
                        "client_secret": {"value": "HIDE4", "number": 471147},
                    },
                    "stream": "rtsp://lab:HIDE5@10.0.0.7/x",
                    "use_key": True,
                },
            },
            "alerts": {
                "sinks": [
                    {
                        "kind": "webhook",
                        "name": "chat",
                        "options": {"url": "https://chat.example:8443/HIDE6?x=HIDE7#HIDE8"},
                    },
                    {"kind": "webhook", "name": "bare", "options": {"url": "https://chat.example"}},
                    {
                        "kind": "webhook",
                        "name": "kept",
                        "options": {"url": {"file": "/etc/x/url"}, "secret": {"credential": "sign"}},
                    },
                    {
                        "kind": "added",
                        "name": "pager",
                        "options": {"auth_token": "HIDE9", "room": "lab 3", "key": {"file": "/etc/x/key"}},
                    },
                ]
            },
        }
    )


def test_the_snapshot_stars_options_that_speak_of_a_secret_and_the_path_of_a_webhook() -> None:
    station = station_with_secrets()
    written = station.model_dump_json()
    assert [word for word in map("HIDE{}".format, range(1, 10)) if word not in written] == [], "the control"
    kept = settings_snapshot(station)
    assert "HIDE" not in kept
    assert "471147" not in kept, "nor a number"
    plain = json.loads(kept)
    options = plain["camera"]["options"]
    assert (options["exposure_ms"], options["host"], options["use_key"]) == (12, "10.0.0.7", True)
    assert options["stream"] == "rtsp://lab:***@10.0.0.7/x"
    sinks = plain["alerts"]["sinks"]
    assert sinks[0]["options"]["url"] == "https://chat.example:8443/***"
    assert sinks[1]["options"]["url"] == "https://chat.example"
    assert sinks[2]["options"]["url"]["file"] == "/etc/x/url", "the reference is what is kept"
    assert sinks[2]["options"]["secret"]["credential"] == "sign"
    assert sinks[3]["options"].pop("key")["file"] == "/etc/x/key"
    assert sinks[3]["options"] == {"auth_token": "***", "room": "lab 3"}
    assert json.dumps(without_secrets(json.loads(kept))) == json.dumps(json.loads(kept)), "twice is as once"
    assert StationSettings.model_validate_json(kept).camera.kind == "plugin"


@pytest.mark.parametrize(
    "text",
    [
        "[[alerts.sinks]]\nkind = 'smtp://user:{0}@host'",
        "[[alerts.sinks]]\nkind = 'mqtt'\nname = 'smtp://user:{0}@host'",
        "[[alerts.sinks]]\nkind = 'log'\n'smtp://user:{0}@host' = 1",
        "[[alerts.rules]]\nkind = 'https://host/hook?token={0}'",
        "[[alerts.rules]]\nkind = 'count'\nname = 'smtp://user:{0}@host'",
        "[camera]\nkind = 'rtsp://user:{0}@host/stream'",
    ],
)
def test_an_address_in_the_wrong_place_is_told_without_its_password(text: str, tmp_path: Path) -> None:
    path = tmp_path / "station.toml"
    path.write_text(text.format(WORD))
    with pytest.raises(SettingsError) as raised:
        load_settings(path)
    assert WORD not in str(raised.value)
    assert "***" in str(raised.value), "the control: the address was told"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "[stream]\nkeys = 'hunter2'",
            "[stream] keys: it must be a section, or an inline table (given: a text)",
        ),
        ("[stream]\nkeys = ['hunter2']", "(given: a list)"),
        ("[[alerts.sinks]]\nkind = 'mqtt'\noptions = 'hunter2'", "number 1, options: it must be a section"),
        ("[metrics]\ntoken = 'hunter2'", "[metrics] token: a secret must not stand in the settings"),
        ("[alerts]\nsinks = 'mqtt hunter2'", "[alerts] sinks: it must be a list"),
    ],
)
def test_a_secret_in_the_place_of_a_section_is_not_repeated(text: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "station.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError) as told:
        load_settings(path)
    assert says in str(told.value)
    assert "hunter2" not in str(told.value)
