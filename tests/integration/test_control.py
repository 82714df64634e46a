"""The operator's commands: through the control socket, or under the writer's lock while the daemon is down."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
import zmq

from monitor.store import open_store
from tests.integration.command_line import Answer, Call, run_all
from tests.integration.live_station import SOME_CRYSTALS, LiveStation, Row

JUNK = {
    "nothing": [b""],
    "noise": [bytes(range(256))],
    "no UTF-8": [b'{"command": "note", "text": "\xff\xfe"}'],
    "no JSON": [b"new-run please"],
    "a list": [b"[1, 2, 3]"],
    "deeply nested": [b"[" * 50_000],
    "no command": [b"{}"],
    "an unknown command": [b'{"command": "format-disk"}'],
    "an unknown entry": [b'{"command": "zero", "at": "noon"}'],
    "an empty note": [b'{"command": "note", "text": ""}'],
    "an endless note": [json.dumps({"command": "note", "text": "x" * 5000}).encode()],
    "for ever": [b'{"command": "mute", "seconds": 1e999}'],
    "never": [b'{"command": "mute", "seconds": NaN}'],
    "a number that is none": [b'{"command": "ack", "event_id": "one"}'],
    "a huge number": [b'{"command": "ack", "event_id": 9999999999999999999999}'],
    "the character NUL": [b'{"command": "note", "text": "a\\u0000b"}'],
    "many parts": [b"a", b"", b"b", b"c"],
}


def tell(station: LiveStation, **calls: tuple[object, ...]) -> dict[str, Answer]:
    made: dict[str, Call] = {
        name: ((*arguments, "--config", str(station.config)), {}) for name, arguments in calls.items()
    }
    return run_all(station.folder, made)


def send_junk(socket_path: Path) -> dict[str, bool | None]:
    """What was answered to each piece of junk: refused, obeyed, or nothing."""
    answers: dict[str, bool | None] = {}
    with zmq.Context() as context:
        for name, parts in JUNK.items():
            with context.socket(zmq.DEALER) as socket:
                socket.setsockopt(zmq.LINGER, 0)
                socket.connect(f"ipc://{socket_path}")
                socket.send_multipart([b"", *parts])
                answers[name] = json.loads(socket.recv_multipart()[-1])["ok"] if socket.poll(20_000) else None
        with context.socket(zmq.DEALER) as socket:  # too long: the connection is closed, nothing is answered
            socket.setsockopt(zmq.LINGER, 0)
            socket.connect(f"ipc://{socket_path}")
            socket.send(b"x" * 1_000_000)
            assert not socket.poll(300)
    return answers


def events(station: LiveStation, kind: str) -> list[Row]:
    return station.rows("SELECT * FROM event_log WHERE kind = ? ORDER BY event_id", kind)


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_running_daemon_obeys_and_survives_junk(short_folder: Path) -> None:
    with LiveStation(
        short_folder, camera={"time_compression": 1.0, "frames_per_s": 4.0}, alerts=SOME_CRYSTALS
    ) as station:
        station.wait_for_frames(2)
        station.until(lambda: events(station, "alert_raised"), "an alert")
        alert = events(station, "alert_raised")[0]["event_id"]
        socket_path = short_folder / "control.ipc"
        status = socket_path.stat()
        assert stat.S_ISSOCK(status.st_mode)
        assert stat.S_IMODE(status.st_mode) == 0o660

        assert send_junk(socket_path) == dict.fromkeys(JUNK, False), "junk is refused with an answer"
        station.wait_for_frames(1)

        before = station.rows("SELECT MIN(elapsed_s) AS first, MAX(elapsed_s) AS last FROM frame_log")[0]
        assert before["first"] >= 0, "the control"
        answers = tell(
            station,
            note=("note", "added 10 µl of precipitant"),
            zero=("zero",),
            ack=("ack", alert),
            no_alert=("ack", 1),
            missing=("ack", 999_999),
            mute=("mute", 600),
            unmute=("mute", 0),
        )
        assert {name: answer.code for name, answer in answers.items()} == {
            **dict.fromkeys(answers, 0),
            "missing": 2,
            "no_alert": 2,
        }, answers
        assert "event 1 is no alert (run_started)" in answers["no_alert"].error
        assert "no event 999999" in answers["missing"].error
        assert [row["message"] for row in events(station, "note")] == [
            "added 10 µl of precipitant",
            "alerts are muted for 600 s",
            "alerts are no longer muted",
        ]
        acknowledged = station.rows("SELECT event_id FROM event_log WHERE acknowledged_at IS NOT NULL")
        assert acknowledged == [{"event_id": alert}]
        assert len(events(station, "time_zero")) == 1
        after = station.rows("SELECT MIN(elapsed_s) AS first FROM frame_log")[0]
        assert after["first"] < 0, "what was seen before the new zero has a negative time"

        assert tell(station, new=("new-run", "plate 7"))["new"].code == 0
        begun = "SELECT * FROM run_summary WHERE name = 'plate 7' AND frames_ok >= 2"
        station.until(lambda: station.rows(begun), "frames of the next run")
        first, second = station.rows("SELECT * FROM run_summary ORDER BY run_id")
        assert first["ended_at"] is not None
        assert second["ended_at"] is None
        assert (
            station.rows("SELECT COUNT(*) AS n FROM trail_summary WHERE end_reason IS NULL AND run_id = 1")[
                0
            ]["n"]
            == 0
        )
        for run_id in (1, 2):
            ledger = station.rows("SELECT * FROM session_log WHERE run_id = ?", run_id)
            assert all(row["sent"] == row["considered"] + row["lost"] + row["superseded"] for row in ledger)
    assert not socket_path.exists(), "a daemon that stops takes its socket with it"

    answers = tell(
        station,
        note=("note", "the lamp was changed"),
        new=("new-run", "plate 8"),
        mute=("mute", 5),
        zero=("zero",),
    )
    assert answers["note"].code == 0, answers["note"]
    assert "the daemon is down" in answers["note"].output
    assert events(station, "note")[-1]["message"] == "the lamp was changed"
    assert answers["zero"].code == 0
    for refused in ("new", "mute"):
        assert answers[refused].code == 2
        assert "start" in answers[refused].error

    writer = open_store(f"sqlite:///{station.database}", "FULL")
    try:
        locked = tell(station, note=("note", "never written"))["note"]
    finally:
        writer.close()
    assert locked.code == 2
    assert "written by another process" in locked.error
    assert events(station, "note")[-1]["message"] == "the lamp was changed"
