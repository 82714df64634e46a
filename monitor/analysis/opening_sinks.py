"""From settings to alert sinks with their outbox, couriers and pictures."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from monitor.alerts.backoff import Backoff
from monitor.alerts.sinks import AlertPost, CourierOrders, open_sink
from monitor.analysis.emitting import Emitter
from monitor.analysis.pictures import AlertPictures
from monitor.archive import FrameArchive
from monitor.clock import Clock
from monitor.records.delivery import Subscription
from monitor.settings.station import StationSettings
from monitor.store import Flood, SqlTrailStore

log = logging.getLogger(__name__)


@contextmanager
def opened_emitter(
    settings: StationSettings, store: SqlTrailStore, clock: Clock, archive: FrameArchive | None
) -> Iterator[Emitter]:
    """What takes alerts to the sinks of the settings; closed at the end of the `with` block.

    Raises UserError for a sink that cannot be used, StoreError where the store takes nothing.
    """
    sinks, delivery = settings.alerts.sinks, settings.alerts.delivery
    opened = {sink.name: open_sink(sink, settings.name) for sink in sinks}
    pictures = None
    if any(sink.wants_picture for sink in sinks):
        pictures = AlertPictures(delivery.picture, settings.storage.archive.folder)
    draw = pictures.draw if pictures is not None else None
    backoff = Backoff(delivery.retry_first_s, delivery.retry_longest_s)
    post = AlertPost(
        {
            sink.name: (
                opened[sink.name],
                CourierOrders(backoff, delivery.give_up_after_s, draw if sink.wants_picture else None),
            )
            for sink in sinks
        },
        clock,
    )
    outbox, gone = store.open_outbox(
        clock,
        settings.name,
        [Subscription(sink.name, sink.summarises) for sink in sinks],
        Flood(delivery.summary.more_than, delivery.summary.within_s),
    )
    for name in gone:
        log.warning(
            "alerts that waited for sink %s are given up, it is no longer in alerts.sinks: `crystal-monitor "
            "deliveries` lists them",
            name,
        )
    emitter = Emitter(outbox, post, delivery, clock, archive, pictures)
    try:
        yield emitter
    finally:
        emitter.close()
