"""`python -m train finetune | rollback | pre-label`: weights for one's own microscope."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from engine.card import load_card
from train.command_line.arguments import (
    add_data,
    add_resources,
    add_threads,
    add_weights,
    allowance_of,
    data_of,
    watchers_of,
)
from train.command_line.curves import tell_of_curves
from train.command_line.numbers import count, count_from_zero, positive

if TYPE_CHECKING:
    import argparse

    from train.command_line.commands import Commands
    from train.finetuning.gate import Verdict


def add_commands(commands: Commands) -> None:
    """Add this group's commands."""
    tune = commands.add_parser(
        "finetune",
        help="fit the shipped weights to one's own microscope, in minutes on a CPU",
        description="Learns from a few labelled frames, measures weights before and after on frames that are held "
        "out and on a regression set, and lets the new ones serve only if they are better here and no worse there. "
        "It takes three labelled frames or more: two to learn from, one to hold out.",
        epilog="example: python -m train finetune frames/ masks/ --out /var/lib/crystal-monitor/models",
    )
    tune.add_argument("images", type=Path, help="folder of images")
    tune.add_argument(
        "masks",
        type=Path,
        nargs="?",
        help="folder of masks (0 = background), paired with them by name; none: IMAGES holds labelme files",
    )
    tune.add_argument("--out", type=Path, required=True, help="folder of this station's versions of weights")
    add_weights(tune, "what to start from: a shipped name or a card's path")
    tune.add_argument(
        "--instances", action="store_true", help="masks are label images: each crystal has its value"
    )
    tune.add_argument(
        "--held-out", type=count, default=1, help="frames that are not learned from (default: 1)"
    )
    tune.add_argument(
        "--scale", type=positive, default=1.0, help="resize frames by this factor first (default: 1)"
    )
    tune.add_argument("--steps", type=count, default=300, help="steps of 4 crops (default: 300)")
    add_resources(tune, minutes=18)
    tune.add_argument(
        "--seed", type=count_from_zero, default=0, help="seed of crops and of what is held out (default: 0)"
    )
    tune.add_argument(
        "--resume", action="store_true", help="go on with the last version in --out, if it was stopped"
    )
    add_data(tune)
    tune.set_defaults(run=_finetune)

    out = commands.add_parser(
        "pre-label",
        help="write what the weights find as labelme files, for a person to correct",
        description="Copies the images with a labelme file beside each. Correct them in labelme, then run "
        "`finetune` on that folder. Where --out is the folder of images itself, the files are laid beside the images; "
        "a labelme file that is there already is never written over.",
        epilog="example: python -m train pre-label frames/ --out to-correct/",
    )
    out.add_argument("images", type=Path, help="folder of images")
    out.add_argument("--out", type=Path, required=True, help="folder for images and labelme files")
    add_weights(out)
    add_threads(out)
    out.set_defaults(run=_pre_label)

    back = commands.add_parser(
        "rollback",
        help="let the weights serve that served before",
        epilog="example: python -m train rollback /var/lib/crystal-monitor/models",
    )
    back.add_argument("folder", type=Path, help="folder of this station's versions of weights")
    back.set_defaults(run=_rollback)


def _finetune(options: argparse.Namespace) -> None:
    from train.finetuning import frames, gate, run, versions  # noqa: PLC0415 - torch takes seconds to import
    from train.finetuning.report import Report  # noqa: PLC0415

    card = load_card(options.weights)
    instances = options.instances or options.masks is None
    found = frames.read_own(options.images, options.masks, instances, options.scale)
    own = frames.hold_out(found, options.held_out, options.seed)
    regression = gate.regression_frames(data_of(options))
    print(
        f"measuring {options.weights} on what is held out and on {len(regression)} other frames", flush=True
    )
    before = gate.try_weights(options.weights, own, regression, instances, options.threads)
    learned = own if instances else frames.part_bodies(own, card, options.threads)
    print(
        f"learning from {len(own.learned)} frames, holding out {', '.join(n for n, _, _ in own.held_out)}",
        flush=True,
    )
    configuration = run.finetuning(card, options.steps, options.seed)
    stopped = versions.unfinished(options.out) if options.resume else None
    out = stopped or versions.new_version(options.out)
    watchers = watchers_of(options, out / run.TRAINING_NAME)
    tuned, learning = run.finetune(
        card, learned, configuration, out, allowance_of(options), scale=options.scale, watchers=watchers
    )
    tell_of_curves(out / run.TRAINING_NAME)
    card_file = out / f"{tuned.name}.json"
    after = gate.try_weights(str(card_file), own, regression, instances, options.threads)
    verdict = gate.judge(before, after)
    report = Report(**dict(verdict), learning=learning)
    (out / versions.REPORT_NAME).write_text(report.model_dump_json(indent=1) + "\n", encoding="utf-8")
    _say(verdict)
    if verdict.passed:
        versions.promote(options.out, out.name)
        print(f"version {out.name} serves: {_remedy(versions.serving_card(options.out))}")
    else:
        print(f"version {out.name} does not serve; its report is {out / versions.REPORT_NAME}")


def _say(verdict: Verdict) -> None:
    for name in ("held_out", "regression"):
        before, after = getattr(verdict.before, name).row(), getattr(verdict.after, name).row()
        shown = [
            f"{figure} {before[figure]:.4f} to {after[figure]:.4f}"
            for figure in ("IoU", "F1", "sens.", "prec.", "PQ", "spurious")
            if before[figure] is not None and after[figure] is not None
        ]
        print(f"{name.replace('_', ' ')}: " + ", ".join(shown))
    for reason in verdict.reasons:
        print(f"refused: {reason}")


def _pre_label(options: argparse.Namespace) -> None:
    from train.annotation import pre_label  # noqa: PLC0415 - the engine takes a moment to import
    from train.segmenting import engine_segment  # noqa: PLC0415

    bodies = pre_label(options.images, options.out, engine_segment(options.weights, options.threads))
    print(
        f"{bodies} bodies outlined in {options.out}: correct them in labelme, then `finetune {options.out} --out …`"
    )


def _rollback(options: argparse.Namespace) -> None:
    from train.finetuning import versions  # noqa: PLC0415 - the package imports torch

    version = versions.roll_back(options.folder)
    if version is None:
        print("no version of this station's own serves any more: set analysis.model to the shipped weights")
    else:
        print(f"version {version} serves again: {_remedy(versions.serving_card(options.folder))}")


def _remedy(card: Path) -> str:
    return f"set analysis.model = {str(card)!r}, if it is not yet, and restart the daemon"
