"""What the analysis process itself tells the audit trail: its starts and stops, settings and weights."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Self

from monitor.errors import QueryError, StoreError, StoreUnusableError
from monitor.journal import ANCHORS
from monitor.records.audit import AuditEntry, AuditKind
from monitor.settings.redaction import settings_snapshot, without_secrets
from monitor.settings.station import StationSettings
from monitor.store import SqlTrailStore, TrailReader, canonical_json
from monitor.version import __version__

log = logging.getLogger(__name__)
anchors = logging.getLogger(ANCHORS)
anchors.setLevel(logging.INFO)
"""The last hash at every start and stop: shown whatever else is, for it must be kept outside of the database."""


class AuditedService:
    """A context: tells of the start, with what changed since the last, and at its end of the stop."""

    def __init__(
        self, store: SqlTrailStore, settings: StationSettings, model: str, weights_sha256: str, backend: str
    ) -> None:
        """Nothing is told yet. `backend`: the one that serves at the start."""
        self._store = store
        self._settings = settings
        self._serving = {
            "version": __version__,
            "model": model,
            "weights_sha256": weights_sha256,
            "backend": backend,
        }

    def __enter__(self) -> Self:
        """Tell of the start. Raises StoreUnusableError where the store cannot take that."""
        database = self._settings.storage.database
        try:
            with TrailReader(database) as reader:
                entries = list(_start(reader, self._settings, self._serving))
            for entry in entries:
                self._store.enter(entry)
        except StoreError as error:
            raise StoreUnusableError(str(error)) from error
        _tell_anchor(database, "start")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """Tell of the stop; where the store cannot take that, the log."""
        reason = "service stopped" if kind is None else f"service stopped by {kind.__name__}: {error}"
        try:
            self._store.enter(
                AuditEntry(AuditKind.SERVICE_STOPPED, reason[:1000], station=self._settings.name)
            )
            _tell_anchor(self._settings.storage.database, "stop")
        except (StoreError, QueryError) as refusal:
            log.error("the stop does not stand in the audit trail: %s", refusal)


def _start(
    reader: TrailReader, settings: StationSettings, serving: Mapping[str, str]
) -> Iterator[AuditEntry]:
    station = settings.name
    last = _last(reader, (AuditKind.SERVICE_STARTED, AuditKind.SERVICE_STOPPED), station)
    unseen = last is not None and last["kind"] == AuditKind.SERVICE_STARTED
    message = "service started" + (
        "; it had ended without telling (killed, or a power cut)" if unseen else ""
    )
    yield AuditEntry(AuditKind.SERVICE_STARTED, message, station=station, details=dict(serving))

    now = json.loads(settings_snapshot(settings))
    last = _last(reader, (AuditKind.SETTINGS_CHANGED,), station)
    # What an earlier version wrote may hold what this one stars: it is not repeated.
    before = without_secrets(json.loads(str(last["details"]))["settings"]) if last is not None else None
    if before != now:
        changed = differences(before, now) if before is not None else []
        message = "first settings of this station" if before is None else _in_words(changed)
        details = {"changed": changed, "settings": now}
        yield AuditEntry(AuditKind.SETTINGS_CHANGED, message, station=station, details=details)

    last = _last(reader, (AuditKind.MODEL_CHANGED,), station)
    known = json.loads(str(last["details"])) if last is not None else {}
    weights = {name: serving[name] for name in ("model", "weights_sha256")}
    if {name: known.get(name) for name in weights} != weights:
        message = f"weights {weights['model']!r} ({weights['weights_sha256'][:12]}…)"
        details = weights | {"before": {name: known.get(name) for name in weights} if known else None}
        yield AuditEntry(AuditKind.MODEL_CHANGED, message, station=station, details=details)


def differences(before: object, now: object, setting: str = "") -> list[dict[str, object]]:
    """Each setting that is not what it was: its name, before, after (null where it was or is not there)."""
    if isinstance(before, dict) and isinstance(now, dict):
        found: list[dict[str, object]] = []
        for name in sorted(before.keys() | now.keys()):
            found += differences(before.get(name), now.get(name), f"{setting}.{name}" if setting else name)
        return found
    return [] if before == now else [{"setting": setting, "before": before, "after": now}]


def _in_words(changed: list[dict[str, object]]) -> str:
    shown = [f"{one['setting']}: {_short(one['before'])} -> {_short(one['after'])}" for one in changed[:5]]
    more = f"; and {len(changed) - 5} more" if len(changed) > 5 else ""
    return "; ".join(shown) + more


def _short(value: object) -> str:
    text = canonical_json(value)
    return text if len(text) <= 80 else f"{text[:79]}…"


def _last(reader: TrailReader, kinds: tuple[AuditKind, ...], station: str) -> Mapping[str, object] | None:
    """The newest row of these kinds of the station."""
    found = [
        row
        for kind in kinds
        for row in reader.stream("audit_log", None, newest=1, kind=kind.value, station=station).records()
    ]
    return max(found, key=lambda row: int(str(row["seq"])), default=None)


def _tell_anchor(database: str, when: str) -> None:
    with TrailReader(database) as reader:
        (last,) = reader.stream("audit_log", None, newest=1).records()
    anchors.info("audit trail at the %s: row %s, hash %s", when, last["seq"], last["hash"])
