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
from train.command_line import main
from train.comparison import job as jobs
from train.comparison import learning, result, tables
from train.comparison.frames import SimulationSet, SuspensionSet
from train.comparison.plan import COMMON_THRESHOLDS, FROM_SCRATCH, PLANS, Job, Variant
from train.comparison.pretrained import check_pretrained, pretrained_weights
from train.comparison.result import path_of, plan_sha256, read_result, read_results, write_result
from train.comparison.run import pending, run_all, to_train
from train.comparison.tables import all_tables
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
        patched.setattr(learning.loop, "train", trains)
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

    monkeypatch.setattr(learning.loop, "train", noted)
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

    monkeypatch.setattr(learning.loop, "train", noted)
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
    others = (
        tiny_plan(learning_rates=(1e-3,)),
        tiny_plan(trial_seed=1),
        tiny_plan(thresholds=replace(COMMON_THRESHOLDS, minimal_score=0.5)),
    )
    assert plan_sha256(plan, ours) not in {plan_sha256(changed, ours) for changed in others}
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
    assert ours.started_from_sha256 == checkpoint.weights_sha256(kept.kept)
    assert scratch.started_from_sha256 is None
    other = {name: value + 1 for name, value in kept.kept.items()}
    checkpoint.save(replace(kept, average=other), path)
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


@pytest.fixture
def pretrained(tmp_path):
    """A plan whose row `ours` was pre-trained: plan, folder of work, folder of results."""
    plan, work, results = _pretrained_plan(), tmp_path / "work", tmp_path / "results"
    before = plan.pretraining
    run_all(before, Blots(), pending(before, 1, results), work, results, ALONE, say=str)
    return plan, work, results


def _pretrain_anew(plan, work, results):
    """What another pre-training of the same plan would leave: other weights, told of by its result."""
    first = Job(plan.variants[0], 0, 0)
    path, told = work / "simulation" / first.name / jobs.KEPT_NAME, path_of(results, plan.pretraining, first)
    kept = checkpoint.load(path)
    other = {name: value + value.std() if value.ndim > 1 else value for name, value in kept.kept.items()}
    checkpoint.save(replace(kept, average=other), path)
    update = {"weights_sha256": checkpoint.weights_sha256(other)}
    write_result(read_result(told).model_copy(update=update), told)


def test_folds_of_two_pretrainings_make_no_row(pretrained):
    plan, work, results = pretrained
    left = [job for job in pending(plan, 2, results) if job.variant.name == "ours"]
    run_all(plan, Blots(), left[:1], work, results, ALONE, say=str)
    assert [job.name for job in pending(plan, 2, results, ["ours"])] == ["ours/fold-1-seed-0"]
    assert any("ours" in line for line in all_tables(results))
    _pretrain_anew(plan, work, results)
    with pytest.raises(
        TrainingError, match=r"started from other weights .* of simulation ours/fold-0-seed-0"
    ):
        pending(plan, 2, results, ["ours"])
    with pytest.raises(TrainingError, match="suspension ours, fold 0, seed 0, started from other weights"):
        list(all_tables(results))


def test_what_began_from_other_weights_is_begun_anew(pretrained):
    plan, work, results = pretrained
    job = Job(plan.variants[0], 0, 0)
    folder = work / "suspension" / job.name

    def start_of(one):
        return pretrained_weights(plan, one, work, results)

    first = jobs.run_job(plan, job, Blots(), folder, ALONE, start_of=start_of)
    rates = json.loads((folder.parent / "trials" / "trials.json").read_text())
    again = jobs.run_job(plan, job, Blots(), folder, ALONE, start_of=start_of)
    assert again.weights_sha256 == first.weights_sha256
    _pretrain_anew(plan, work, results)
    other = jobs.run_job(plan, job, Blots(), folder, ALONE, start_of=start_of)
    assert other.started_from_sha256 != first.started_from_sha256
    assert other.weights_sha256 != first.weights_sha256
    tried = json.loads((folder.parent / "trials" / "trials.json").read_text())
    assert tried["started_from_sha256"] == other.started_from_sha256 != rates["started_from_sha256"]
    fresh = jobs.run_job(plan, job, Blots(), work / "elsewhere" / "fold", ALONE, start_of=start_of)
    assert fresh.weights_sha256 == other.weights_sha256  # nothing of the first start is in it


def test_the_order_of_seeds_decides_nothing(monkeypatch, tmp_path):
    runs = []

    class Enough(Exception):  # noqa: N818 - it is no error
        pass

    def noted(configuration, source, out, *rest):
        runs.append((configuration.steps, configuration.seed))
        raise Enough

    monkeypatch.setattr(learning.loop, "train", noted)
    plan = tiny_plan(seeds=(1, 0))
    with pytest.raises(Enough):
        jobs.run_job(plan, Job(plan.variants[0], 0, 1), Blots(), tmp_path / "job", ALONE)
    assert runs == [(plan.trial_steps, 0)]
    by_thresholding = [job.seed for job in plan.jobs(2) if job.variant.network == "thresholding"]
    assert by_thresholding == [0, 0]


def test_growth_alone_needs_no_pretraining(pretrained):
    plan, work, results = pretrained
    left = pending(plan, 2, results, ["ours"])[:1]
    assert to_train(plan, left, work, results) == left
    run_all(plan, Blots(), left, work, results, ALONE, say=str)
    asked = pending(plan, 2, results, ["ours"], growth=True)
    assert [job.fold for job in asked] == [0, 1]
    assert [job.fold for job in to_train(plan, asked, work, results)] == [1]
    (work / "simulation" / left[0].name / jobs.KEPT_NAME).unlink()
    check_pretrained(plan, to_train(plan, asked[:1], work, results), work, results)
    with pytest.raises(TrainingError, match="1 of the weights to start from"):
        check_pretrained(plan, to_train(plan, asked, work, results), work, results)


def test_the_list_tells_of_all_that_has_to_be_pretrained(tmp_path, capsys):
    folders = ["--work", str(tmp_path / "work"), "--results", str(tmp_path / "results")]
    data = tmp_path / "data"
    data.mkdir()
    asked = [
        "compare",
        "suspension",
        *folders,
        "--data",
        str(data),
        "--seeds",
        "1",
        "1",
        "--only",
        "unet",
        "segnet",
    ]
    assert main([*asked, "--list"]) == 0
    said = capsys.readouterr().out
    assert said.count("unet/fold-0-seed-1\n") == 1  # a seed that is given twice is one seed
    assert "--seeds 1 0 --only unet segnet` first" in said
    assert main(asked) == 2
    assert "--seeds 1 0 --only unet segnet` first" in capsys.readouterr().err
    assert main(["compare", "suspension", *folders, "--data", str(tmp_path / "none")]) == 2
    assert "no folder of real images at" in capsys.readouterr().err


def test_a_plan_s_hash_covers_widths_and_folds(monkeypatch, tmp_path):
    plan = tiny_plan()
    ours = plan.variants[0]
    known = plan_sha256(plan, ours)
    costs = matched.read()
    wider = [cost.model_copy(update={"width": cost.width + 1}) for cost in costs.networks]
    with monkeypatch.context() as patched:
        patched.setattr(result.matched, "read", lambda: costs.model_copy(update={"networks": tuple(wider)}))
        assert plan_sha256(plan, ours) != known
    folds = tmp_path / "folds.json"
    folds.write_text("{}")
    with monkeypatch.context() as patched:
        patched.setattr(result, "SPLITS", folds)
        assert plan_sha256(plan, ours) != known
        simulated = tiny_plan(data="simulation")
        on_simulation = plan_sha256(simulated, ours)
    assert plan_sha256(simulated, ours) == on_simulation  # which has no folds of its own
    assert plan_sha256(plan, ours) == known


@pytest.mark.parametrize(("data", "folds"), [("simulation", 1), ("suspension", 3)])
def test_committed_results_are_of_the_plans_as_they_stand(data, folds):
    """A change of a plan, a width or the folds must not leave figures that it would not give."""
    committed = Path(tables.__file__).resolve().parent.parent / "results" / "comparison"
    plan = PLANS[data]()
    done = len(read_results(committed, data))
    assert done > 0
    assert len(pending(plan, folds, committed)) == len(list(plan.jobs(folds))) - done
