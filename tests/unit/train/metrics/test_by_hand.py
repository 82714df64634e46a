"""Every measure on a case small enough to be worked out on paper."""

from __future__ import annotations

import numpy as np
import pytest

from train.evaluation.film_threshold import SEED_XY, central_crystal
from train.metrics import Scores, ScoreSheet
from train.metrics.area_bias import Measured, by_size, measure_areas
from train.metrics.boundary import boundary, count_boundary
from train.metrics.calibration import CalibrationCurve
from train.metrics.instances import InstanceCounts, count_instances, count_spurious
from train.metrics.overlap import areas_px, matches, touches_border, touching_labels
from train.metrics.pixels import PixelCounts, compare
from train.segmenting import Found


def test_the_papers_six_of_a_hand_count():
    said, true = np.zeros((4, 4), bool), np.zeros((4, 4), bool)
    said[0, :3] = True
    true[0, 1:] = True
    counts = compare(said, true)
    assert counts == PixelCounts(both=2, said_only=1, true_only=1, neither=12)
    assert counts.iou == pytest.approx(2 / 4)
    assert counts.f1 == pytest.approx(2 / 3)
    assert counts.sensitivity == pytest.approx(2 / 3)
    assert counts.precision == pytest.approx(2 / 3)
    assert counts.specificity == pytest.approx(12 / 13)
    assert counts.accuracy == pytest.approx(14 / 16)
    pooled = counts + PixelCounts(both=2, neither=4)
    assert pooled.iou == pytest.approx(4 / 6)
    assert pooled.accuracy == pytest.approx(20 / 22)


def test_the_papers_f1_and_iou_do_not_go_together():
    # the note in the method's description: F1 = 2 IoU/(1 + IoU) for pooled pixels
    counts = PixelCounts(both=8521, said_only=600, true_only=879)
    assert counts.f1 == pytest.approx(2 * counts.iou / (1 + counts.iou))


def _two_crystals():
    """Crystal 4 of 8 px, crystal 9 of 4 px; body 2 of 6 px inside 4, body 5 of 2 px in 9, body 7 of 3 px nowhere."""
    true = np.zeros((8, 8), np.int32)
    true[1:3, 1:5] = 4
    true[4, 1:5] = 9
    said = np.zeros_like(true)
    said[1:3, 1:4] = 2  # IoU 6/8 with crystal 4
    said[4, 1:3] = 5  # IoU 2/4 with crystal 9: not above a half
    said[6, 1:4] = 7
    return said, true


def test_matching_needs_more_than_half():
    said, true = _two_crystals()
    assert matches(said, true) == {4: 2}
    assert areas_px(true) == {4: 8, 9: 4}
    assert touches_border(true) == set()
    true[0, 0] = 3
    assert touches_border(true) == {3}


def test_scores_of_bodies_by_hand():
    said, true = _two_crystals()
    counts = count_instances(said, true, {2: 0.9, 5: 0.8, 7: 0.7})
    assert (counts.said, counts.true, counts.matched) == (3, 2, 1)
    assert counts.panoptic_quality == pytest.approx(0.75 / (1 + 2 / 2 + 1 / 2))
    assert counts.segmentation_quality == pytest.approx(0.75)
    assert counts.recognition_quality == pytest.approx(2 / 5)
    # intersections 6 + 2; unions 8 + 4, and body 7's 3 px
    assert counts.aggregated_jaccard == pytest.approx(8 / 15)
    # at an IoU of one half both 2 and 5 are hits and stand before 7: precision 1 at every recall
    assert counts.average_precision == pytest.approx(1.0)
    late = count_instances(said, true, {2: 0.9, 5: 0.6, 7: 0.7})
    # recall 0 to 0.5 (51 of 101) at precision 1, the rest at 2/3
    assert late.average_precision == pytest.approx((51 + 50 * 2 / 3) / 101)
    twice = counts + late
    assert twice.panoptic_quality == pytest.approx(counts.panoptic_quality)
    assert twice.true == 4


def test_a_crystal_that_is_missed_costs_its_area_and_recall():
    true = np.zeros((6, 6), np.int32)
    true[0:2, 0:2], true[4:6, 4:6] = 1, 2
    said = np.where(true == 1, 1, 0).astype(np.int32)
    counts = count_instances(said, true, {1: 0.5})
    assert counts.aggregated_jaccard == pytest.approx(4 / 8)
    assert counts.average_precision == pytest.approx(51 / 101)
    nothing = count_instances(np.zeros_like(said), true, {})
    assert nothing.panoptic_quality == nothing.average_precision == nothing.aggregated_jaccard == 0
    assert np.isnan(InstanceCounts().average_precision)


def test_spurious_bodies_are_those_with_less_than_a_tenth_of_crystal():
    true = np.zeros((10, 40), bool)
    true[:, :1] = True
    said = np.zeros((10, 40), np.int32)
    said[:, 0:10] = 1  # exactly a tenth is crystal
    said[:, 12:22] = 2
    assert count_spurious(said, true).bodies == 1
    assert count_spurious(said, true).area_share == pytest.approx(0.5)
    true[0, 0] = False
    assert count_spurious(said, true).area_share == pytest.approx(1.0)


def test_boundary_within_the_tolerance():
    true = np.zeros((30, 30), np.int32)
    true[10:20, 10:20] = 1
    assert boundary(true).sum() == 36
    moved = np.roll(true, 2, axis=1)
    assert count_boundary(moved, true, tolerance_px=2).f == 1.0
    counts = count_boundary(moved, true, tolerance_px=1)
    # of 36 pixels the two columns that are 2 px off are wrong, but for the ends that lie near the other's rows
    assert counts.said == counts.true == 36
    assert counts.said_right == counts.true_found == 2 * 9 + 2 * 1
    touching = true.copy()
    touching[10:20, 15:20] = 2
    assert boundary(touching).sum() == 36 + 2 * 8
    assert count_boundary(np.zeros_like(true), true).f == 0.0
    assert np.isnan(count_boundary(np.zeros_like(true), np.zeros_like(true)).f)


def test_the_frames_edge_is_no_boundary():
    assert boundary(np.ones((5, 5), np.int32)).sum() == 0


def test_area_bias_of_a_body_that_is_a_tenth_too_large():
    labels = np.zeros((80, 80), np.int32)
    labels[20:50, 20:50] = 1
    said = np.zeros_like(labels)
    said[20:53, 20:50] = 7
    (crystal,) = measure_areas(said, labels)
    assert crystal.area_ratio == pytest.approx(1.1)
    (known,) = measure_areas(said, labels, {1: 880.0}, {7: 968.0})
    assert known.area_ratio == pytest.approx(1.1)
    rows = {row.name: row for row in by_size([crystal, Measured(30.0, None, False)])}
    assert rows["30-60 px"].bias_median == pytest.approx(0.1)
    assert rows["from 20 px"].recall == pytest.approx(0.5)
    assert "5-10 px" not in rows


def test_a_crystal_that_the_border_cuts_is_left_out_and_touching_ones_are_marked():
    labels = np.zeros((20, 20), np.int32)
    labels[0:5, 5:10], labels[8:12, 4:8], labels[8:12, 8:12] = 1, 2, 3
    assert touching_labels(labels) == {2, 3}
    crystals = measure_areas(labels, labels)
    assert [(c.touching, c.area_ratio) for c in crystals] == [(True, 1.0), (True, 1.0)]


def test_calibration_of_a_probability_that_is_right():
    rng = np.random.default_rng(0)
    probability = rng.uniform(0, 1, (400, 400)).astype(np.float32)
    right, wrong = CalibrationCurve(), CalibrationCurve()
    right.add(probability, rng.uniform(0, 1, probability.shape) < probability)
    wrong.add(probability, rng.uniform(0, 1, probability.shape) < 0.5)
    assert right.scores().expected_calibration_error < 0.01
    assert wrong.scores().expected_calibration_error > 0.2
    assert sum(right.scores().share_of_pixels) == pytest.approx(1, abs=1e-4)


def test_a_sheet_pools_frames_and_its_json_comes_back():
    said, true = _two_crystals()
    probability = (said > 0).astype(np.float32)
    sheet = ScoreSheet(instances=True)
    found = Found(said, {2: 0.9, 5: 0.8, 7: 0.7}, probability)
    sheet.add("a", found, true)
    sheet.add("b", Found(true, {4: 1.0, 9: 1.0}, None), true)
    scores = sheet.scores()
    assert scores.frames == 2
    assert scores.pixels.iou == pytest.approx((8 + 12) / (15 + 12))
    assert scores.spurious.bodies == 1
    assert scores.instances is not None
    assert scores.instances.panoptic_quality == pytest.approx(2.75 / 4.5)
    assert Scores.model_validate_json(scores.model_dump_json()) == scores
    assert scores.row()["IoU"] == scores.pixels.iou
    with pytest.raises(ValueError, match="already"):
        sheet.add("a", found, true)


def test_masks_that_merge_touching_crystals_score_no_bodies():
    labels = np.zeros((12, 12), np.int32)
    labels[2:8, 2:6], labels[2:8, 6:10] = 1, 2
    sheet = ScoreSheet(instances=False)
    sheet.add("a", Found(labels, {1: 1.0, 2: 1.0}, None), (labels > 0).astype(np.int32))
    scores = sheet.scores()
    assert scores.instances is None
    assert scores.boundary.f == 1.0  # the line between the two is no boundary of the mask
    empty = ScoreSheet(instances=False)
    empty.add("a", Found(np.zeros_like(labels), {}, None), np.zeros_like(labels))
    assert empty.scores().pixels.iou is None
    assert Scores.model_validate_json(empty.scores().model_dump_json()) == empty.scores()


def test_thresholding_finds_a_dark_domain_beside_burned_in_marks():
    image = np.full((303, 288), 70, np.uint8)
    y, x = np.mgrid[0:303, 0:288]
    disc = (x - SEED_XY[0]) ** 2 + (y - SEED_XY[1]) ** 2 < 45**2
    image[disc] = 52
    image[250:270, 200:] = 255
    noise = np.random.default_rng(1).normal(0, 3, image.shape)
    noisy = np.clip(image + np.where(image < 255, noise, 0), 0, 255).astype(np.uint8)
    assert central_crystal(noisy).sum() == pytest.approx(disc.sum(), rel=0.02)
