"""What a person, TensorBoard and the picture are told of a training."""

from __future__ import annotations

import csv
import io

import cv2
import pytest

from train.command_line import main
from train.curves import draw_curves, read_log
from train.errors import TrainingError
from train.loop import LOG_NAME, VALIDATION_NAME
from train.progress_log import append, truncate
from train.team import Team
from train.watching import PLAIN_EVERY_S, Progress, TensorBoard, duration


class Terminal(io.StringIO):
    def isatty(self):
        return True


def _row(step, loss=0.5):
    return {"step": step, "elapsed_s": 1.0, "learning_rate": 1e-3, "loss": loss, "crystal_entropy": loss / 2}


def test_progress_tells_of_the_time_left_by_steps_and_by_the_allowance():
    now = [0.0]
    stream = io.StringIO()
    by_steps = Progress(stream=stream, clock=lambda: now[0])
    by_steps.begin(100, 300)  # resumed: the hundred steps before took none of this time
    now[0] = 50.0
    by_steps.look(150, 0.75)
    by_steps.row(_row(150))
    begun, told = stream.getvalue().splitlines()
    assert begun == "step 100 of 300"  # at once: the first row is a while off
    assert told == "step 150 of 300, loss 0.5000, validation 0.7500 at 150, 2 min left"
    now[0] += PLAIN_EVERY_S / 2
    by_steps.row(_row(200))
    assert "step 200" not in stream.getvalue()  # no terminal: a line a minute
    now[0] += PLAIN_EVERY_S
    by_steps.row(_row(250))
    assert "step 250" in stream.getvalue()
    by_steps.row(_row(300))
    assert "step 300 of 300" in stream.getvalue()  # the last one always
    terminal = Terminal()
    now[0] = 0.0
    by_time = Progress(minutes=1.0, stream=terminal, clock=lambda: now[0])
    by_time.begin(0, 1000)
    now[0] = 20.0
    by_time.row(_row(10))
    by_time.row(_row(20))
    by_time.end()
    assert terminal.getvalue().count("\r") == 3
    assert "40 s left" in terminal.getvalue()
    assert terminal.getvalue().endswith("\n")


def test_durations_are_for_people():
    assert [duration(s) for s in (3.2, 89, 120, 3599, 7300)] == [
        "3 s",
        "89 s",
        "2 min",
        "1 h 0 min",
        "2 h 2 min",
    ]


def test_tensorboard_reads_what_was_written_and_a_resumed_run_takes_back_what_it_repeats(tmp_path):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    board = TensorBoard(tmp_path)
    board.begin(0, 4)
    for step in (1, 2, 3):
        board.row(_row(step, loss=float(step)))
    board.look(2, 0.5)
    board.end()
    resumed = TensorBoard(tmp_path)
    resumed.begin(3, 4)
    resumed.row(_row(3, loss=30.0))
    resumed.end()
    events = accumulator.EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    assert [(e.step, e.value) for e in events.Scalars("training/loss")] == [(1, 1.0), (2, 2.0), (3, 30.0)]
    assert [(e.step, e.value) for e in events.Scalars("validation/value")] == [(2, 0.5)]


def test_curves_of_one_and_of_several_trainings(tmp_path, capsys):
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        for step in (1, 2, 3):
            append(tmp_path / name / LOG_NAME, _row(step, 1 / step))
    append(tmp_path / "one" / VALIDATION_NAME, {"step": 2, "value": 0.5})
    assert read_log(tmp_path / "one" / LOG_NAME)["loss"] == pytest.approx([1, 0.5, 0.333333])
    picture = cv2.imread(str(draw_curves([tmp_path / "one"])), cv2.IMREAD_GRAYSCALE)
    assert picture.shape[0] > 500
    assert picture.std() > 5  # something is drawn
    both = tmp_path / "both.svg"
    assert main(["curves", str(tmp_path / "one"), str(tmp_path / "other"), "--out", str(both)]) == 0
    assert "both.svg" in capsys.readouterr().out
    assert both.read_text().lstrip().startswith("<?xml")
    with pytest.raises(TrainingError, match="no log of a training"):
        draw_curves([tmp_path])
    assert main(["curves", str(tmp_path / "none")]) == 2
    with (tmp_path / "one" / LOG_NAME).open() as file:
        assert len(list(csv.DictReader(file))) == 3  # the logs are left as they were


def test_a_row_that_was_cut_off_is_left_out_and_written_anew(tmp_path, capsys):
    log = tmp_path / LOG_NAME
    for step in (10, 20):
        append(log, _row(step))
    whole = log.read_bytes()
    for cut in (b"3", b"30,1.0,0.0", b"30,1.0,0.001,0.5,0.2"):
        log.write_bytes(whole + cut)
        assert read_log(log)["step"] == [10, 20]
        assert main(["curves", str(tmp_path)]) == 0
        truncate(log, 30)
        append(log, _row(30))
        assert read_log(log)["step"] == [10, 20, 30]
    log.write_bytes(whole + b"30,half a row\r\n" + whole.splitlines(keepends=True)[-1])
    assert main(["curves", str(tmp_path)]) == 2
    assert f"line 4 of {log} is no row" in capsys.readouterr().err
    log.write_bytes(whole[:9])  # not even the heading
    assert read_log(log) == {}
    truncate(log, 0)
    append(log, _row(10))
    assert read_log(log)["step"] == [10]


def test_a_picture_of_a_kind_that_cannot_be_written_is_refused(tmp_path, capsys):
    append(tmp_path / LOG_NAME, _row(1))
    assert main(["curves", str(tmp_path), "--out", str(tmp_path / "curves.bmp")]) == 2
    told = capsys.readouterr().err
    assert "'bmp'" in told
    assert "png" in told
    assert main(["curves", str(tmp_path), "--out", str(tmp_path / "curves.PNG")]) == 0


def test_a_batch_that_cannot_be_dealt_evenly_is_refused():
    assert Team(1, 2).share_of(4) == 2
    with pytest.raises(TrainingError, match="4 crops cannot be dealt evenly to 3"):
        Team(0, 3).share_of(4)
