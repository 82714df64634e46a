"""Jobs of a comparison: what is done stays done, and every row has the same budget."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch

from tests.tiny_comparison import ALONE, Blots, tiny_plan
from train import checkpoint
from train.comparison import job as jobs
from train.comparison.frames import SimulationSet, SuspensionSet
from train.comparison.plan import FROM_SCRATCH, PLANS, Job, Variant
from train.comparison.pretrained import check_pretrained
from train.comparison.result import path_of, plan_sha256, read_results
from train.comparison.run import pending, run_all
from train.configuration import MixConfiguration
from train.errors import TrainingError
from train.frame_crops import Zoom
from train.networks import NETWORKS, matched
from train.networks.cost import cost_of
from train.thresholding import choose, first_rules

SHARED = Path(__file__).resolve().parents[5] / "shared" / "data"


@pytest.fixture(autouse=True)
def _threads():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def test_a_comparison_is_done_once(tmp_path, monkeypatch):
    few = [rule for rule in first_rules() if rule.method in ("otsu", "li")]
    monkeypatch.setattr(jobs, "choose", lambda frames: choose(frames, few))
    plan, said = tiny_plan(), []
    work, results = tmp_path / "work", tmp_path / "results"
    left = pending(plan, 2, results)
    assert [job.name for job in left[:4]] == [
        "ours/fold-0-seed-0", "mask-rcnn/fold-0-seed-0", "thresholding/fold-0-seed-0", "ours/fold-1-seed-0",
    ]  # fmt: skip
    assert run_all(plan, Blots(), left, work, results, ALONE, minutes=0, say=said.append) == 0
    assert "the same command goes on" in said[-1]
    only = pending(plan, 2, results, ["ours", "thresholding"])
    assert run_all(plan, Blots(), only, work, results, ALONE, say=said.append) == 4
    assert [job.variant.name for job in pending(plan, 2, results)] == ["mask-rcnn"] * 2
    found = read_results(results, "suspension")
    ours = [result for result in found if result.variant.name == "ours"]
    assert [result.fold for result in ours] == [0, 1]
    assert ours[0].frames.keys().isdisjoint(ours[1].frames)
    assert ours[0].trials.keys() == {"0.0005", "0.002"}
    assert ours[0].trials == ours[1].trials  # chosen on fold 0 for all
    assert ours[0].training.loss.crystal_positive_weight == pytest.approx(Blots().parts(0).positive_weight())
    rule = next(result for result in found if result.threshold is not None)
    assert rule.scores.pixels.iou > 0.9
    with pytest.raises(TrainingError, match="another plan"):
        pending(tiny_plan(trial_steps=3), 2, results)
    with pytest.raises(TrainingError, match="no row is named vnet"):
        pending(plan, 2, results, ["vnet"])


def test_a_row_follows_simulated_runs_where_it_is_asked_to(tmp_path, monkeypatch):
    few = [rule for rule in first_rules() if rule.method == "otsu"]
    monkeypatch.setattr(jobs, "choose", lambda frames: choose(frames, few))
    monkeypatch.setattr(jobs, "GROWTH_RUNS", (("demo", 9001),))
    monkeypatch.setattr(jobs, "recovered", partial(jobs.recovered, frames=6))
    plan = tiny_plan()
    job = Job(plan.variants[-1], 0, 0)
    plain = jobs.run_job(plan, job, Blots(), tmp_path, ALONE)
    followed = jobs.run_job(plan, job, Blots(), tmp_path, ALONE, growth=True)
    assert plain.growth is None
    assert followed.growth.runs == 1
    assert followed.growth.births_true > 0
    assert followed.model_copy(update={"growth": None, "seconds": 0}) == plain.model_copy(
        update={"seconds": 0}
    )


def test_growth_is_added_to_results_by_the_weights_that_are_kept(tmp_path, monkeypatch):
    few = [rule for rule in first_rules() if rule.method == "otsu"]
    monkeypatch.setattr(jobs, "choose", lambda frames: choose(frames, few))
    monkeypatch.setattr(jobs, "GROWTH_RUNS", (("demo", 9001),))
    monkeypatch.setattr(jobs, "recovered", partial(jobs.recovered, frames=3))
    plan = tiny_plan(variants=tuple(Variant(name=name, network=name) for name in ("ours", "thresholding")))
    work, results, said = tmp_path / "work", tmp_path / "results", []

    def run(growth):
        left = pending(plan, 1, results, growth=growth)
        run_all(plan, Blots(), left, work, results, ALONE, say=said.append, growth=growth)
        return {result.variant.name: result for result in read_results(results, "suspension")}

    plain = run(growth=False)
    folder = work / "suspension" / "ours" / "fold-0-seed-0"
    assert [path.name for path in folder.iterdir()] == [jobs.KEPT_NAME]
    assert pending(plan, 1, results) == []
    assert len(pending(plan, 1, results, growth=True)) == 2
    assert pending(plan, 1, results, ["ours"], growth=True)[0].variant.name == "ours"

    def trains(*arguments, **named):
        raise AssertionError

    with monkeypatch.context() as patched:
        patched.setattr(jobs.loop, "train", trains)
        followed = run(growth=True)
    assert {name: result.growth.runs for name, result in followed.items()} == {"ours": 1, "thresholding": 1}
    alone = {name: result.model_copy(update={"growth": None}) for name, result in followed.items()}
    assert alone == plain
    assert pending(plan, 1, results, growth=True) == []

    # without its weights a row is trained again
    (folder / jobs.KEPT_NAME).unlink()
    path_of(results, plan, Job(plan.variants[0], 0, 0)).write_text(plain["ours"].model_dump_json())
    again = run(growth=True)["ours"]
    assert again.model_copy(update={"seconds": 0}) == followed["ours"].model_copy(update={"seconds": 0})


def test_every_network_has_the_same_steps_crops_and_trials(monkeypatch, tmp_path):
    """What differs between rows is what the row says: of two networks' runs, name, width and learning rate alone."""
    runs = []

    class Enough(Exception):  # noqa: N818 - it is no error
        pass

    def noted(configuration, source, out, *rest):
        runs.append(configuration)
        raise Enough

    monkeypatch.setattr(jobs.loop, "train", noted)
    plan = tiny_plan(variants=tuple(Variant(name=name, network=name) for name in NETWORKS))
    for variant in plan.variants:
        with pytest.raises(Enough):
            jobs.run_job(plan, Job(variant, 0, 0), Blots(), tmp_path / variant.name / "job", ALONE)
    assert len(runs) == len(NETWORKS)
    alike = [run.model_copy(update={"network": "", "width": 1}) for run in runs]
    assert all(run == alike[0] for run in alike)
    assert {run.width for run in runs} == {cost.width for cost in matched.read().networks}


def test_a_row_changes_what_it_says_and_nothing_else(monkeypatch, tmp_path):
    runs = {}

    def noted(configuration, source, out, *rest):
        runs[out.parent.name if out.parent.name != "trials" else out.parent.parent.name] = configuration
        raise Enough

    class Enough(Exception):  # noqa: N818 - it is no error
        pass

    monkeypatch.setattr(jobs.loop, "train", noted)
    rows = {variant.name: variant for variant in PLANS["suspension"]().variants}
    for name in ("ours", "ours-unweighted", "ours-paper-adam", "ours-last", "ours-dice", "ours-adversarial"):
        plan = tiny_plan(variants=(rows[name],), learning_rates=(1e-4,))
        with pytest.raises(Enough):
            jobs.run_job(plan, Job(rows[name], 0, 0), Blots(), tmp_path / name / "job", ALONE)
    ours = runs["ours"]
    assert runs["ours-unweighted"].loss == ours.loss.model_copy(update={"crystal_positive_weight": 1.0})
    assert runs["ours-dice"].loss == ours.loss.model_copy(
        update={"dice_share": 0.5, "crystal_positive_weight": ours.loss.crystal_positive_weight}
    )
    assert runs["ours-last"].optimiser == ours.optimiser.model_copy(update={"average_decay": 0.0})
    assert runs["ours-adversarial"].model_copy(update={"adversarial_levels": 0.0}) == ours
    paper = runs["ours-paper-adam"].optimiser
    assert (paper.learning_rate, paper.beta1, paper.beta2, paper.weight_decay) == (1e-4, 0.99, 0.999, 1e-6)
    assert paper.decay_of == "learning_rate"


def test_plans_differ_in_what_results_depend_on():
    plan = tiny_plan()
    ours, other = plan.variants[:2]
    assert plan_sha256(plan, ours) != plan_sha256(plan, other)
    assert plan_sha256(plan, ours) == plan_sha256(tiny_plan(seeds=(0, 1, 2), variants=(ours,)), ours)
    assert plan_sha256(plan, ours) != plan_sha256(tiny_plan(learning_rates=(1e-3,)), ours)
    for data, rows in (("simulation", 19), ("suspension", 20)):
        variants = PLANS[data]().variants
        assert len(variants) == len({variant.name for variant in variants}) == rows
        assert {variant.network for variant in variants} - {"thresholding"} == set(NETWORKS)


def test_the_widths_are_those_of_equal_cost():
    written = matched.read()
    assert {cost.network for cost in written.networks} == set(NETWORKS)
    for cost in written.networks:
        assert cost.gflops == pytest.approx(written.gflops, rel=0.05)
    for name in ("ours", "unet"):
        assert cost_of(name, written.of(name).width) == written.of(name)


def test_the_simulated_set_tests_on_seeds_that_it_does_not_learn_from():
    frames = SimulationSet(MixConfiguration(ice_share=0.0), stills=2, side_px=96)
    one, again = frames.parts(0), frames.parts(0)
    assert all((a.image_HW == b.image_HW).all() for a, b in zip(one.test, again.test, strict=True))
    pictures = [f.image_HW.tobytes() for part in (one.learned, one.validation, one.test) for f in part]
    assert len(set(pictures)) == len(pictures)
    assert one.positive_weight() > 0


@pytest.mark.skipif(not SHARED.is_dir(), reason="no folder of real images beside the project")
def test_the_real_set_keeps_every_frame_whole():
    frames = SuspensionSet(SHARED, Zoom())
    assert frames.folds == 3
    tested = [frame.name for fold in range(3) for frame in frames.parts(fold).test]
    assert len(tested) == len(set(tested)) == 7
    assert 20 < frames.parts(0).positive_weight() < 80


def test_a_result_file_names_its_row_fold_and_seed(tmp_path):
    plan = tiny_plan()
    job = Job(plan.variants[0], 1, 2)
    assert path_of(tmp_path, plan, job) == tmp_path / "suspension" / "ours" / "fold-1-seed-2.json"
    assert json.loads(plan.model_dump_json())["data"] == "suspension"


def _distance(one, other):
    pairs = ((value, other.kept[name]) for name, value in one.kept.items() if name.endswith("weight"))
    return sum(float((value - its).square().sum()) for value, its in pairs) ** 0.5


def _pretrained_plan():
    # at its own rate, or what is not pre-trained would repeat it step for step
    before = tiny_plan(data="simulation", variants=tiny_plan().variants[:1], learning_rates=(0.5,))
    return tiny_plan(variants=(*before.variants, FROM_SCRATCH), pretraining=before)


def test_rows_start_from_what_pretraining_made_of_them(tmp_path):
    plan, work, results = _pretrained_plan(), tmp_path / "work", tmp_path / "results"
    left = pending(plan, 2, results)
    with pytest.raises(TrainingError, match=r"compare simulation .* --seeds 0 --only ours` first"):
        check_pretrained(plan, left, work, results)
    before = plan.pretraining
    run_all(before, Blots(), pending(before, 1, results), work, results, ALONE, say=str)
    check_pretrained(plan, left, work, results)
    path = work / "simulation" / "ours" / "fold-0-seed-0" / jobs.KEPT_NAME
    kept = checkpoint.load(path)
    run_all(plan, Blots(), left[:2], work, results, ALONE, say=str)
    ours, scratch = sorted(read_results(results, "suspension"), key=lambda result: result.variant.name)
    assert (ours.pretrained_step, scratch.pretrained_step) == (kept.step, None)
    assert ours.training == scratch.training
    # six steps do not lead far from where they began
    far = [
        _distance(kept, checkpoint.load(work / "suspension" / left[n].name / jobs.KEPT_NAME)) for n in (0, 1)
    ]
    assert 0 < 3 * far[0] < far[1]
    assert plan_sha256(plan, plan.variants[0]) != plan_sha256(plan, plan.variants[1])
    checkpoint.save(replace(kept, step=kept.step + 1), path)
    with pytest.raises(TrainingError, match="is not what"):
        check_pretrained(plan, left, work, results)


def test_a_row_depends_on_its_own_pretraining_alone():
    plan = _pretrained_plan()
    more = plan.pretraining.model_copy(update={"variants": tiny_plan().variants, "seeds": (0, 1)})
    other = plan.pretraining.model_copy(update={"trial_steps": 3})
    ours, scratch = plan.variants
    changed = {
        row: [plan_sha256(plan.model_copy(update={"pretraining": p}), row) for p in (more, other)]
        for row in (ours, scratch)
    }
    assert [digest == plan_sha256(plan, ours) for digest in changed[ours]] == [True, False]
    assert {*changed[scratch]} == {plan_sha256(plan, scratch)}
