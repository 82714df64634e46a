"""The connection breaks after a commit was made and before its answer came: what is repeated is not done twice."""

from __future__ import annotations

import dataclasses
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from monitor.clock import SystemClock
from monitor.errors import StoreError
from monitor.records import Alert, AlertKind, Event, EventKind
from monitor.records.delivery import DeliveryAttempt, Subscription, sink_rule
from monitor.records.run import Run, RunEvent
from monitor.records.vocabulary import DeliveryState
from monitor.store import Flood, SqlTrailStore, TrailReader, open_store
from tests import trail_results as made
from tests.integration.postgresql_proxy import CommitEatingProxy
from tests.postgresql_server import Server, fresh_database, restartable_server


@pytest.fixture
def server() -> Iterator[Server]:
    with restartable_server() as running:
        yield running


@pytest.fixture
def database(server: Server) -> str:
    return fresh_database(server.url, "trails")


@pytest.fixture
def proxy(server: Server) -> Iterator[tuple[CommitEatingProxy, str]]:
    with (
        tempfile.TemporaryDirectory(prefix="pgx-") as folder,
        CommitEatingProxy(server.folder, Path(folder)) as eater,
    ):
        yield eater, f"postgresql://tester@/trails?host={folder}"


@pytest.fixture
def store(database: str, proxy: tuple[CommitEatingProxy, str]) -> Iterator[SqlTrailStore]:
    opened = open_store(proxy[1])
    yield opened
    opened.close()


def insist(work: Callable[[], object]) -> object:
    """As the analysis does: the same call again, until it is done. The first is known to fail."""
    with pytest.raises(StoreError):
        work()
    for _ in range(50):
        try:
            return work()
        except StoreError:
            time.sleep(0.02)  # the server has not noticed yet that the client is gone
    pytest.fail("the store never recovered")


def test_a_run_a_frame_and_a_note_whose_commit_was_not_answered_are_there_once(
    store: SqlTrailStore, proxy: tuple[CommitEatingProxy, str], database: str
) -> None:
    eater, _ = proxy
    eater.arm()
    start = made.run_start("once")
    run = insist(lambda: store.start_run(start))
    assert isinstance(run, Run)
    for index in range(3):
        store.append(run, made.growing(index, 2))
    eater.arm()
    assert insist(lambda: store.append(run, made.growing(3, 2))) is True, "it was this call that committed it"
    note = RunEvent(made.at(4), Event(EventKind.NOTE, "stirrer on"))
    eater.arm()
    insist(lambda: store.record(run, note))
    assert eater.eaten == 3, "the control: three commits were made and not answered"
    assert store.append(run, made.growing(4, 2))
    with TrailReader(database) as reader:
        assert len(reader.view("run_summary")) == 1
        assert reader.view("frame_log").column("frame_index") == (0, 1, 2, 3, 4)
        assert set(reader.view("trail_summary").column("points")) == {4}
        assert reader.view("event_log", kind="note").column("message") == ("stirrer on",)


def test_another_call_after_a_commit_in_doubt_is_done(
    store: SqlTrailStore, proxy: tuple[CommitEatingProxy, str], database: str
) -> None:
    run = store.start_run(made.run_start())
    first = RunEvent(made.at(1), Event(EventKind.NOTE, "first"))
    proxy[0].arm()
    with pytest.raises(StoreError):
        store.record(run, first)
    second = dataclasses.replace(first, event=Event(EventKind.NOTE, "second"))
    for _ in range(50):
        try:
            store.record(run, second)
            break
        except StoreError:
            time.sleep(0.02)
    with TrailReader(database) as reader:
        assert reader.view("event_log", kind="note").column("message") == ("first", "second")


def test_what_the_outbox_writes_is_there_once(
    store: SqlTrailStore, proxy: tuple[CommitEatingProxy, str], database: str
) -> None:
    eater, clock, held = proxy[0], SystemClock(), {"chat": set[int](), "mail": set[int]()}
    run = store.start_run(made.run_start())
    sinks = [Subscription(name, summarise=False) for name in held]
    outbox, _ = store.open_outbox(clock, "plate", sinks, Flood(0, 60.0))
    waits_s = iter(range(600, 700))

    def tell() -> None:
        """As the analysis does: the figures are those of the moment."""
        message = f"1 alert waits for sink mail, the oldest for {next(waits_s)} s"
        outbox.tell(run, Alert(sink_rule("mail"), AlertKind.DELIVERY, True, message))

    eater.arm()
    insist(tell)
    (parcel,) = outbox.exchange(run, held, 20)["chat"]
    held["chat"].add(parcel.delivery_ids[0])
    outbox.stage([DeliveryAttempt(parcel, DeliveryState.GIVEN_UP, clock.now(), 5, None, "away")])
    eater.arm()
    insist(lambda: outbox.exchange(run, held, 20))
    store.append(run, made.growing(0, 2))
    assert eater.eaten == 2, "the control: two commits were made and not answered"
    with TrailReader(database) as reader:
        assert len(reader.view("event_log", rule=sink_rule("mail"))) == 1
        assert reader.view("delivery_log").column("state") == ("given_up",)
        assert len(reader.view("event_log", kind="alert_undelivered")) == 1


def test_what_another_write_s_lost_answer_hides_is_not_told_again(
    store: SqlTrailStore, proxy: tuple[CommitEatingProxy, str], database: str
) -> None:
    """The exchange's commit is in doubt, and the next thing that is written is a frame, with the same attempts."""
    eater, clock = proxy[0], SystemClock()
    run = store.start_run(made.run_start())
    outbox, _ = store.open_outbox(clock, "plate", [Subscription("chat", summarise=False)], Flood(0, 60.0))
    outbox.tell(run, Alert(sink_rule("mail"), AlertKind.DELIVERY, True, "1 alert waits"))
    (parcel,) = outbox.exchange(run, {"chat": ()}, 20)["chat"]
    outbox.stage([DeliveryAttempt(parcel, DeliveryState.GIVEN_UP, clock.now(), 5, None, "away")])
    eater.arm()
    with pytest.raises(StoreError):
        outbox.exchange(run, {"chat": parcel.delivery_ids}, 20)
    for _ in range(50):
        try:
            store.append(run, made.growing(0, 2))
            break
        except StoreError:
            time.sleep(0.02)
    assert eater.eaten == 1
    with TrailReader(database) as reader:
        assert len(reader.view("event_log", kind="alert_undelivered")) == 1


def test_a_connection_that_is_cut_before_the_commit_has_written_nothing(
    store: SqlTrailStore, database: str
) -> None:
    import psycopg

    run = store.start_run(made.run_start())
    with psycopg.connect(database, autocommit=True) as other:
        others = "FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = 'trails'"
        assert other.execute(f"SELECT pg_terminate_backend(pid) {others}").fetchall()
    assert insist(lambda: store.append(run, made.growing(0, 2))) is True
    with TrailReader(database) as reader:
        assert reader.view("frame_log").column("frame_index") == (0,)
