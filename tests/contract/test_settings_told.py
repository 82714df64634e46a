"""What an earlier version wrote into the trail of settings, secrets and all, is not written there once more."""

from __future__ import annotations

import json

from monitor.analysis.auditing import AuditedService
from monitor.records.audit import AuditEntry, AuditKind
from monitor.settings.station import StationSettings
from monitor.store import SqlTrailStore, TrailReader


def test_secrets_of_an_earlier_version_are_not_repeated(store: SqlTrailStore, database: str) -> None:
    camera = {"kind": "plugin", "name": "lab", "options": {"token": "HIDE1"}}
    before = StationSettings.model_validate({"storage": {"database": database}, "camera": camera})
    told = {"changed": [], "settings": before.model_dump(mode="json")}
    store.enter(AuditEntry(AuditKind.SETTINGS_CHANGED, "of before", station=before.name, details=told))
    now = before.model_copy(update={"log": before.log.model_copy(update={"level": "debug"})})
    with AuditedService(store, now, "model", "c0" * 32, "openvino bf16"):
        pass
    with TrailReader(database) as reader:
        old, new = reader.view("audit_log", kind="settings_changed").records()
    assert "HIDE1" in str(old["details"]), "the control: a row of the trail stays as it is"
    assert "HIDE1" not in f"{new}"
    assert [one["setting"] for one in json.loads(str(new["details"]))["changed"]] == ["log.level"]
