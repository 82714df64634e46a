"""Intervals on counts that can be worked out, and tables made from result files."""

from __future__ import annotations

import numpy as np
import pytest

from train.command_line import main
from train.comparison.bootstrap import difference, f1, iou, panoptic_quality, sensitivity
from train.comparison.plan import Variant
from train.comparison.result import FrameTally, JobResult, read_results, write_result
from train.comparison.tables import all_tables, comparison_table, rows_of, verdict
from train.errors import TrainingError
from train.evaluation.growth import GrowthScores
from train.metrics import ScoreSheet
from train.segmenting import Found


def _tally(right, wrong):
    """A frame of 1000 px with 100 of crystal, of which `right` are found and `wrong` beside it."""
    return FrameTally(
        both=right, said_only=wrong, true_only=100 - right, neither=900 - wrong,
        iou_sum=0.8, matched=1, said=2, true=2,
    )  # fmt: skip


def _result(name, frames, seed=0, fold=0, data="suspension"):
    labels = np.zeros((20, 50), np.int32)
    labels[:5, :20] = 1
    sheet = ScoreSheet(instances=False)
    said = labels.copy()
    said[:5, : 20 - int(np.mean([f.true_only for f in frames.values()]) / 5)] = 1
    said[:5, 20 - int(np.mean([f.true_only for f in frames.values()]) / 5) : 20] = 0
    sheet.add("pooled", Found(said, {1: 1.0}, None), labels)
    return JobResult(
        data=data, variant=Variant(name=name, network=name), fold=fold, seed=seed,
        plan_sha256="", width=16, gflops=6.0, parameters=1_900_000, training=None, trials={}, steps=10, kept_step=10,
        validation_iou=0.5, seconds=1, threshold=None, scores=sheet.scores(), frames=frames,
    )  # fmt: skip


def test_growth_has_columns_where_a_row_was_asked_for_it():
    frames = {"f0": _tally(60, 10)}
    growth = GrowthScores(
        runs=2, rates=9, rate_error_median=0.0312, rate_bias_median=-0.01, covered=0.9, births_true=5,
        births_found=4, births_false=1, birth_error_median_s=20.0, identity_switches=0,
    )  # fmt: skip
    ours, other = _result("ours", frames), _result("unet", frames)
    assert "growth" not in next(comparison_table([ours, other]))
    heading, _, *rows = comparison_table([ours.model_copy(update={"growth": growth}), other])
    column = heading.split("|").index(" growth error ")
    assert [row.split("|")[column].strip() for row in rows] == ["0.0312", ""]


def test_figures_of_pooled_counts():
    counts = np.array([8.0, 1, 2, 9, 1.5, 2, 3, 3])
    assert iou(counts) == pytest.approx(8 / 11)
    assert f1(counts) == pytest.approx(16 / 19)
    assert sensitivity(counts) == pytest.approx(0.8)
    assert panoptic_quality(counts) == pytest.approx(1.5 / 3)


def test_a_row_does_not_differ_from_itself():
    row = [_result("ours", {f"f{n}": _tally(60 + 5 * n, 10) for n in range(7)})]
    apart = difference(row, row, replicates=200)
    assert apart.value == apart.low == apart.high == 0


def test_pairing_frames_makes_a_small_difference_sure():
    """Frames differ by far more than rows do; drawn in pairs, that falls out."""
    better = [_result("ours", {f"f{n}": _tally(31 + 9 * n + n % 3, 10) for n in range(7)})]
    worse = [_result("unet", {f"f{n}": _tally(30 + 9 * n, 10) for n in range(7)})]
    apart = difference(better, worse, replicates=2000)
    assert apart.value == pytest.approx(13 / 7 / 110, abs=2e-3)
    assert 0.01 < apart.low < apart.value < apart.high < 0.025
    # the control: how far a row alone swings from draw to draw
    frames = np.array([[30 + 9 * n, 10, 70 - 9 * n, 0] for n in range(7)], float)
    rng = np.random.default_rng(0)
    alone = iou(np.stack([frames[rng.integers(7, size=7)].sum(0) for _ in range(500)]))
    assert alone.std() > 0.04


def test_seeds_that_scatter_widen_the_interval():
    def rows(name, shifts):
        return [
            _result(name, {f"f{n}": _tally(70 + shift + n, 10) for n in range(7)}, seed)
            for seed, shift in enumerate(shifts)
        ]

    steady = difference(rows("ours", (0, 0, 0)), rows("unet", (-2, -2, -2)), replicates=2000)
    scattered = difference(rows("ours", (-9, 0, 9)), rows("unet", (7, -2, -11)), replicates=2000)
    assert steady.value == pytest.approx(scattered.value, abs=2e-3)
    assert steady.low > 0
    assert scattered.low < 0 < scattered.high


def test_an_interval_holds_the_truth_as_often_as_it_says():
    """Rows of forty frames drawn from a known difference: 95 % intervals hold it in nineteen of twenty."""
    rng, held = np.random.default_rng(1), 0
    for _ in range(60):
        hard = rng.normal(70, 6, 40)
        noise = rng.normal(0, 3, (2, 40))
        one, other = (
            [_result(name, {f"f{n}": _tally(round(min(99, value)), 10) for n, value in enumerate(found)})]
            for name, found in (("ours", hard + 2 + noise[0]), ("unet", hard + noise[1]))
        )
        apart = difference(one, other, replicates=300)
        held += apart.low <= 2 / 110 <= apart.high
    assert held >= 51


def test_rows_on_different_frames_are_not_compared():
    one, other = [_result("ours", {"a": _tally(9, 1)})], [_result("unet", {"b": _tally(9, 1)})]
    with pytest.raises(ValueError, match="different frames"):
        difference(one, other)


@pytest.fixture
def results(tmp_path):
    for name, right in (("ours", 80), ("unet", 60), ("thresholding", 40)):
        for fold in range(3):
            for seed in range(2):
                made = _result(name, {f"f{n}": _tally(right + n, 10) for n in range(3)}, seed, fold)
                path = tmp_path / "comparison" / "suspension" / name / f"fold-{fold}-seed-{seed}.json"
                write_result(made, path)
    return tmp_path / "comparison"


def test_the_table_has_a_line_a_row_best_first(results):
    found = read_results(results, "suspension")
    assert [row.name for row in rows_of(found)] == ["ours", "unet", "thresholding"]
    lines = list(comparison_table(found))
    assert len(lines) == 5
    assert len({line.count("|") for line in lines}) == 1
    assert "| 0.8500 ± 0.0000 |" in lines[2]
    assert "| 6 |" in lines[2]
    assert "| -0.1" in lines[3]
    (rival, *bars) = verdict(found)
    assert rival.startswith("ok   ours less the best other (U-Net): IoU +0.1")
    assert bars[0].startswith("MISS ours on suspension, IoU")


def test_a_table_of_half_a_comparison_is_no_error(results):
    for path in (results / "suspension" / "unet").glob("fold-[12]*"):
        path.unlink()
    (results / "suspension" / "thresholding" / "fold-0-seed-0.json").unlink()
    assert len(list(comparison_table(read_results(results, "suspension")))) == 5


def test_the_command_prints_tables_and_names_what_is_missing(results, tmp_path, capsys):
    assert main(["tables", "--results", str(results.parent)]) == 0
    assert "### suspension: 3 folds, 2 seeds" in capsys.readouterr().out
    assert main(["tables", "--results", str(tmp_path / "none")]) == 2
    assert "run `python -m train compare` first" in capsys.readouterr().err
    broken = results / "suspension" / "ours" / "fold-0-seed-0.json"
    broken.write_text("{}")
    assert main(["tables", "--results", str(results.parent)]) == 2
    assert "delete it" in capsys.readouterr().err


def test_results_of_two_plans_make_no_row(tmp_path):
    frames = {"f0": _tally(60, 10)}
    for seed, digest in ((0, "a"), (1, "a")):
        result = _result("ours", frames, seed).model_copy(update={"plan_sha256": digest})
        write_result(result, tmp_path / "suspension" / "ours" / f"fold-0-seed-{seed}.json")
    assert any("suspension" in line for line in all_tables(tmp_path))
    write_result(
        result.model_copy(update={"plan_sha256": "b"}),
        tmp_path / "suspension" / "ours" / "fold-0-seed-1.json",
    )
    with pytest.raises(TrainingError, match="suspension ours were made by different plans"):
        list(all_tables(tmp_path))
