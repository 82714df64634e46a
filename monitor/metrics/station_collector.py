"""The gauges: worked out when a scrape asks, in the server's thread, from what the loop left there."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from monitor.clock import Clock, Instant
from monitor.metrics.figures import EngineFigures, StationIdentity, StoreFigures, StreamFigures
from monitor.metrics.glance import FieldGlance
from monitor.records import RunState
from monitor.records.run import Run

_PREFIX = "crystal_monitor_"


class StationCollector(Collector):
    """What the station is and how it stands. Written by the loop's thread (plain attributes), read by scrapes."""

    def __init__(
        self,
        clock: Clock,
        identity: StationIdentity,
        stream: Callable[[], StreamFigures],
        store: Callable[[], StoreFigures],
    ) -> None:
        """`stream` and `store` are asked by every scrape, in its thread: they must not wait."""
        self._clock = clock
        self._identity = identity
        self._stream = stream
        self._store = store
        self.fields: dict[str, FieldGlance] = {}
        self.run: Run | None = None
        self.engine: EngineFigures | None = None
        self.committed = clock.now()
        """Last commit of any kind; before the first, when the process began."""
        self.frame_committed: Instant = self.committed
        """Last commit of a frame; before the first, when the process began."""

    def collect(self) -> Iterator[Metric]:
        """All of them; one that is not known has no sample."""
        yield from self._identity_of_station()
        yield from self._progress()
        yield from self._fields()
        yield from _stream_metrics(self._stream())
        yield from _store_metrics(self._store())

    def _identity_of_station(self) -> Iterator[Metric]:
        identity = self._identity
        yield _info(
            "build", "Version of Crystal Monitor.",
            {"version": identity.version, "python": platform.python_version()},
        )  # fmt: skip
        yield _info(
            "station", "The station.",
            {"station": identity.station, "camera": identity.camera, "policy": identity.policy},
        )  # fmt: skip
        yield _gauge(
            "analysis_interval_seconds",
            "Least time between two analyses, as set; 0: as fast as the machine can.",
            identity.interval_s,
        )
        if self.engine is not None:
            labels = {
                "backend": self.engine.backend,
                "model": identity.model,
                "weights_sha256": identity.weights_sha256,
            }
            yield _info("backend", "What serves the inference.", labels)
            yield _gauge(
                "backend_degraded",
                "1 while a back end that should serve does not: lost, refused, or none is left.",
                float(self.engine.degraded),
            )

    def _progress(self) -> Iterator[Metric]:
        now = self._clock.now()
        yield _gauge(
            "seconds_since_commit",
            "Since the last commit of a frame or a silence, or since the start of the process before the first.",
            now.seconds_since(self.committed),
        )
        yield _gauge(
            "seconds_since_frame",
            "Since the last committed frame, or since the start of the process before the first.",
            now.seconds_since(self.frame_committed),
        )
        run = self.run
        if run is not None:
            yield _info("run", "The open run.", {"run_id": str(run.run_id), "run": run.start.name})

    def _fields(self) -> Iterator[Metric]:
        zero_s = self.run.zero_s if self.run is not None else 0.0
        families = [_by_field(name, text) for name, text, _ in _OF_FIELD]
        states = GaugeMetricFamily(
            _PREFIX + "state", "1 for the state that the field is in.", labels=["field", "state"]
        )
        for name, glance in sorted(self.fields.copy().items()):
            for family, (_, _, value_of) in zip(families, _OF_FIELD, strict=True):
                value = value_of(glance, zero_s)
                if value is not None:
                    family.add_metric([name], value)
            if glance.completion is not None:
                for state in RunState:
                    states.add_metric([name, state.value], float(state is glance.completion.state))
        yield states
        yield from families


def _forecast(which: str) -> Callable[[FieldGlance, float], float | None]:
    def value_of(glance: FieldGlance, zero_s: float) -> float | None:
        if glance.completion is None:
            return None
        seconds = getattr(glance.completion.t95, which)
        return None if seconds is None else float(seconds) - zero_s

    return value_of


_OF_FIELD: tuple[tuple[str, str, Callable[[FieldGlance, float], float | None]], ...] = (
    ("crystals", "Confirmed crystals in the last good frame.", lambda glance, _: glance.count),
    ("crystal_area_px2", "Their total area, px².", lambda glance, _: glance.total_area_px),
    ("crystal_area_um2", "Their total area, µm².", lambda glance, _: glance.total_area_um2),
    ("coverage_ratio", "Fraction of the field that crystals cover.", lambda glance, _: glance.coverage),
    (
        "growth_rate_median_um_per_second",
        "Median growth rate of the equivalent diameter, µm/s, of the crystals that live.",
        lambda glance, _: glance.median_rate_um_per_s(),
    ),
    (
        "growth_rate_median_px_per_second",
        "The same in px/s, for a camera without calibration too.",
        lambda glance, _: glance.median_rate_px_per_s(),
    ),
    (
        "elapsed_seconds",
        "Time of the last frame since the run's time zero.",
        lambda glance, zero_s: None if glance.elapsed_s is None else glance.elapsed_s - zero_s,
    ),
    ("t95_seconds", "Forecast of 95 % of the plateau, since the run's time zero.", _forecast("elapsed_s")),
    ("t95_low_seconds", "Its lower 95 % limit.", _forecast("low_s")),
    ("t95_high_seconds", "Its upper 95 % limit.", _forecast("high_s")),
    ("focus", "Focus of the last frame, in the units of `frame_log.focus`.", lambda glance, _: glance.focus),
    ("light", "Light of the last frame, in the units of `frame_log.light`.", lambda glance, _: glance.light),
)


def _stream_metrics(figures: StreamFigures) -> Iterator[Metric]:
    yield _gauge("grabber_heard", "1 once a grabber was heard.", float(figures.heard))
    yield _gauge(
        "camera_running",
        "1 while the camera gives frames; 0 while it is lost, or no grabber is heard.",
        float(bool(figures.camera_running)),
    )
    yield _gauge("frames_behind", "Frames that the grabber has and the analysis has not.", figures.behind)
    yield _counter("grabber_sessions", "Sessions of grabbers: each is a start of one.", figures.sessions)
    yield _counter("malformed_messages", "Messages that could not be decoded.", figures.malformed)
    lost = CounterMetricFamily(
        _PREFIX + "frames_lost",
        "Frames never considered, by cause; `superseded` is as it should be under the policy `latest`, "
        "`repeated` where a watched folder is taken again.",
        labels=["cause"],
    )
    for cause, count in figures.lost.items():
        lost.add_metric([cause], count)
    yield lost
    for name, text in _OF_GRABBER:
        if name in figures.grabber:
            yield _counter(f"grabber_{name}", text, figures.grabber[name])


_OF_GRABBER = (
    ("grabbed", "Frames that the camera gave, failed ones included, in this session."),
    ("failed", "Frames among them that could not be had."),
    ("served", "Frames handed to the wire, repeated ones included."),
    ("undelivered", "Answers to listeners that had gone or did not read."),
    ("junk", "Messages on the grabber's socket that were no requests."),
    ("camera_losses", "Times that the camera was lost."),
)


def _store_metrics(figures: StoreFigures) -> Iterator[Metric]:
    yield _gauge(
        "store_readable", "1 while the store answers the metrics' questions.", float(figures.readable)
    )
    for name, text, value in (
        ("database_bytes", "Size of the database's file.", figures.database_bytes),
        ("wal_bytes", "Size of its write-ahead log.", figures.wal_bytes),
        ("disk_free_bytes", "Room that is left for the station on the database's disk.", figures.disk_free_bytes),
        ("disk_size_bytes", "Size of that disk.", figures.disk_size_bytes),
        ("alerts_unacknowledged", "Raised alerts of the open run that nobody acknowledged.", figures.unacknowledged),
    ):  # fmt: skip
        if value is not None:
            yield _gauge(name, text, value)
    events = (((kind,), count) for kind, count in figures.events.items())
    yield _labelled("events", "Rows of event_log since the process began.", ("kind",), events)
    yield _labelled(
        "alerts", "Alerts since the process began, by kind; `change`: raised or cleared.", ("kind", "change"),
        figures.alerts.items(),
    )  # fmt: skip
    yield _labelled(
        "deliveries",
        "Deliveries of alerts since the process began, by sink and outcome (sent, given_up).",
        ("sink", "outcome"),
        figures.deliveries.items(),
    )
    attempts = (((sink,), count) for sink, count in figures.failed_attempts.items())
    yield _labelled("delivery_attempts_failed", "Attempts to deliver that failed.", ("sink",), attempts)
    pending = GaugeMetricFamily(
        _PREFIX + "deliveries_pending", "Deliveries of alerts that wait, by sink.", labels=["sink"]
    )
    for sink, count in figures.pending.items():
        pending.add_metric([sink], count)
    yield pending


def _labelled(
    name: str, text: str, labels: tuple[str, ...], counts: Iterable[tuple[Sequence[str], int]]
) -> CounterMetricFamily:
    family = CounterMetricFamily(_PREFIX + name, text, labels=labels)
    for values, count in counts:
        family.add_metric(values, count)
    return family


def _info(name: str, text: str, labels: Mapping[str, str]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"{_PREFIX}{name}_info", text, labels=list(labels))
    family.add_metric(list(labels.values()), 1)
    return family


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(_PREFIX + name, text, value=value)


def _counter(name: str, text: str, value: float) -> CounterMetricFamily:
    return CounterMetricFamily(_PREFIX + name, text, value=value)


def _by_field(name: str, text: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(_PREFIX + name, text, labels=["field"])
