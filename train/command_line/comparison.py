"""`python -m train compare | tables`: the seed paper's comparison."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from train.command_line.arguments import add_data, add_threads, data_of
from train.command_line.numbers import count, count_from_zero, positive
from train.errors import TrainingError

if TYPE_CHECKING:
    import argparse

    from train.command_line.commands import Commands

RESULTS = Path(__file__).resolve().parent.parent / "results"


def add_commands(commands: Commands) -> None:
    """Add this group's commands."""
    compare = commands.add_parser(
        "compare",
        help="train every network on the same data, splits and budget",
        description="Trains every row on every fold with every seed and writes a result file for each. It may be "
        "killed at any time: the same command goes on where it was. On suspension every row starts from its weights "
        "of the comparison on the simulation, with the same --work and --results: run that first.",
        epilog="example: nice -n 15 python -m train compare simulation --work runs/compare && "
        "nice -n 15 python -m train compare suspension --work runs/compare",
    )
    compare.add_argument("set", choices=("suspension", "simulation"), help="what to compare on")
    compare.add_argument(
        "--work",
        type=Path,
        required=True,
        help="folder for checkpoints of what is under way, and for the weights (8 MB a job) that suspension starts "
        "from and that --growth can ask for later",
    )
    compare.add_argument(
        "--results",
        type=Path,
        default=RESULTS / "comparison",
        help="folder for results (default: train/results/comparison)",
    )
    compare.add_argument("--only", nargs="+", metavar="ROW", help="rows to do (default: all)")
    compare.add_argument(
        "--seeds", type=count_from_zero, nargs="+", default=[0, 1, 2], help="seeds (default: 0 1 2)"
    )
    compare.add_argument("--steps", type=count, help="steps of a run (default: the plan's)")
    compare.add_argument(
        "--minutes", type=positive, help="begin no job after this time, min (default: no limit)"
    )
    add_threads(compare, 1)
    compare.add_argument(
        "--workers",
        type=count_from_zero,
        default=0,
        help="processes that make crops; 0: none but this one (default: 0)",
    )
    add_data(compare)
    compare.add_argument(
        "--growth",
        action="store_true",
        help="let each row also follow simulated runs: error of growth rates; added to results that have none, by the "
        "weights in --work, or by training anew",
    )
    compare.add_argument("--list", action="store_true", help="say what is left to do, and do nothing")
    compare.set_defaults(run=_compare)

    tables = commands.add_parser(
        "tables",
        help="print every table from the result files",
        epilog="example: python -m train tables",
    )
    tables.add_argument(
        "--results", type=Path, default=RESULTS, help="folder of all results (default: train/results)"
    )
    tables.set_defaults(run=_tables)


def _compare(options: argparse.Namespace) -> None:
    from train.comparison.plan import PLANS  # noqa: PLC0415 - torch takes seconds to import
    from train.comparison.pretrained import check_pretrained  # noqa: PLC0415
    from train.comparison.run import pending, run_all, to_train  # noqa: PLC0415
    from train.loop import Allowance  # noqa: PLC0415

    make = PLANS[options.set]
    plan = (make() if options.steps is None else make(options.steps)).model_copy(
        update={"seeds": tuple(dict.fromkeys(options.seeds))}
    )
    frames = plan.frames(data_of(options))
    jobs = pending(plan, frames.folds, options.results, options.only, options.growth)
    trained = to_train(plan, jobs, options.work, options.results)
    if options.list:
        for job in jobs:
            print(job.name)
        print(f"{len(jobs)} jobs are left to do")
    try:
        check_pretrained(plan, trained, options.work, options.results)
    except TrainingError as error:
        if not options.list:
            raise
        print(error)
    if options.list:
        return
    allowance = Allowance(threads=options.threads, workers=options.workers)
    run_all(
        plan, frames, jobs, options.work, options.results, allowance, options.minutes, growth=options.growth
    )


def _tables(options: argparse.Namespace) -> None:
    from train.tables import every_table  # noqa: PLC0415 - torch takes seconds to import

    for line in every_table(options.results):
        print(line)
