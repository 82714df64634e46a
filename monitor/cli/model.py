"""`model`: the weights that are there, whether they are what their cards say, and engines for the card."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from monitor.cli.options import json_option
from monitor.cli.output import print_rows

if TYPE_CHECKING:
    from engine.tensorrt import Precision

_FRAME = re.compile(r"(\d{1,5})x(\d{1,5})")
_COLUMNS = (
    "engine",
    "precision",
    "height_px",
    "width_px",
    "batches",
    "operators",
    "network_layers",
    "MB",
    "build_s",
)


@click.group()
def model() -> None:
    """List and verify the weights; build engines from them."""


@model.command("list", epilog="Example: crystal-monitor model list")
@json_option
def list_models(as_json: bool) -> None:
    """List the shipped weights with their network and hash."""
    from engine import available_models, load_card

    rows = []
    for name in available_models():
        card = load_card(name)
        rows.append(
            {"model": card.name, "width": card.network.width, "safetensors_sha256": card.safetensors_sha256}
        )
    print_rows(rows, as_json=as_json, empty="no weights are shipped with this installation")


@model.command("verify", epilog="Example: crystal-monitor model verify default --parity")
@click.argument("name", default="default")
@click.option(
    "--parity",
    is_flag=True,
    help="Also run every back end of this machine over the model's parity frames; exit code 1 where one does not "
    "compute what the fp32 reference does. Takes some seconds.",
)
@click.option(
    "--engines",
    type=click.Path(file_okay=False, exists=True, path_type=Path),
    metavar="DIR",
    help="The folder of engines that `model build` made, as analysis.engines names it: each file against its card, on "
    "any machine; with --parity they are run as well, where there is a card.",
)
@json_option
def verify(name: str, parity: bool, engines: Path | None, as_json: bool) -> None:
    """Check that the weights NAME (a shipped name, or the path of a card) match their card; exit code 2 if not.

    Exit code 1 where a back end or an engine is not what it should be.
    """
    from engine import EngineError, load_card
    from monitor.cli.model_parity import COLUMNS, ENGINES, engines_row, parity_rows
    from monitor.errors import CrystalMonitorError, UserError

    try:
        card = load_card(name)
        rows = parity_rows(card, engines) if parity else []
    except EngineError as error:
        raise UserError(str(error)) from error
    if not as_json:
        click.echo(f"{card.name}: all files match their card (sha256 {card.safetensors_sha256[:16]}…)")
    elif not parity:
        rows = [{"model": card.name, "safetensors_sha256": card.safetensors_sha256, "matches": True}]
    shelf = None
    if engines is not None:
        on_card = any(str(row.get("backend", "")).startswith("tensorrt") for row in rows)
        shelf = engines_row(engines, without_card=parity and not on_card)
        if as_json:
            rows.append(shelf)
    if rows:
        print_rows(rows, as_json=as_json, columns=COLUMNS, empty="")
    wrong = [
        f"{row['backend']}: {row['reason']}"
        for row in rows
        if row.get("passed") is False and row["backend"] != ENGINES
    ]
    if shelf is not None:
        if shelf["passed"] is False:
            raise CrystalMonitorError("; ".join([f"{ENGINES}: {shelf['reason']}", *wrong]))
        if not as_json:
            click.echo(shelf["reason"])
    if wrong:
        raise CrystalMonitorError(f"{'; '.join(wrong)}; name another back end in analysis.backend")


@model.command(
    "build",
    epilog="Example: crystal-monitor model build --target rtx --precision fp16 --frame 1920x1200 --output engines",
)
@click.option(
    "--target",
    type=click.Choice(["rtx", "cpu"]),
    required=True,
    help="What the engines are for: rtx, cards of NVIDIA's RTX series (needs none here).",
)
@click.option(
    "--precision",
    type=click.Choice(["fp16", "fp32"]),
    default="fp16",
    show_default=True,
    help="Arithmetic of the network.",
)
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    metavar="DIR",
    help="Folder for the engines, each with its card (.json); it is made if it is missing.",
)
@click.option(
    "--model",
    "name",
    default="default",
    show_default=True,
    help="A shipped name, or the path of a model's card.",
)
@click.option(
    "--frame",
    "frames",
    multiple=True,
    default=["1024x1024"],
    show_default=True,
    metavar="WIDTHxHEIGHT",
    help="Size of the camera's frames, px, as often as there are sizes; engines are for the tiles they are cut into.",
)
@click.option(
    "--tile-px",
    type=click.IntRange(256, 2048),
    metavar="PX",
    help="Largest side of a tile, px, if the settings name one (analysis.change_gate.tile_px).",
)
@click.option(
    "--compute-capability",
    "capabilities",
    multiple=True,
    metavar="X.Y",
    help="Cards to build for, as often as there are kinds. Default: 8.6, 8.9 and 12.0 (RTX 30, 40 and 50).",
)
@json_option
def build(
    target: str,
    precision: Precision,
    output: Path,
    name: str,
    frames: tuple[str, ...],
    tile_px: int | None,
    capabilities: tuple[str, ...],
    as_json: bool,
) -> None:
    """Build engines ahead of time, on any machine, to be carried to the station with the card."""
    from engine import EngineError, load_card
    from engine.tensorrt import (
        COMPUTE_CAPABILITIES,
        build_engine,
        orders_for,
        write_engine,
    )
    from engine.trust import UntrustedFileError, read_trusted
    from monitor.errors import UserError

    if target == "cpu":
        raise UserError(
            "there is nothing to build for --target cpu: OpenVINO compiles the model's ONNX file for the very "
            "processor it meets, in less than a second, and keeps that in the cache folder; "
            "build for --target rtx, or leave this out"
        )
    sizes_px = [_size_px(frame) for frame in frames]
    rows = []
    try:
        card = load_card(name)
        for order in orders_for(card, sizes_px, precision, tile_px=tile_px):
            if not as_json:
                click.echo(f"building {order.file_name(card.name)} …", err=True)
            built = build_engine(card, order, capabilities=capabilities or COMPUTE_CAPABILITIES)
            path = write_engine(built, output)
            rows.append(built.card.to_row() | {"path": str(path)})
        read_trusted(path)
    except UntrustedFileError as refusal:
        click.echo(
            f"crystal-monitor: the engines are written, but would not be loaded here: {refusal}", err=True
        )
    except EngineError as error:
        raise UserError(str(error)) from error
    if as_json:
        print_rows(rows, as_json=True, empty="")
        return
    shown = [
        row
        | {
            "engine": Path(str(row["path"])).name,
            "batches": ", ".join(map(str, row["batches"])),
            "operators": f"{row['operators_inside']}/{row['operators']}",
            "MB": row["engine_bytes"] / 1e6,
        }
        for row in rows
    ]
    print_rows(shown, as_json=False, columns=_COLUMNS, empty="no engine was built")
    click.echo(
        f"Copy {output} to the station, owned by root or by the daemon's user and writable by nobody else, "
        "and name it as `analysis.engines` in the settings, or put it beside the model's card as `engines`."
    )


def _size_px(text: str) -> tuple[int, int]:
    """Height and width, px, of WIDTHxHEIGHT."""
    found = _FRAME.fullmatch(text)
    if found is None or not all(1 <= int(side) <= 16384 for side in found.groups()):
        raise click.BadParameter(f"{text!r} is no size in pixels such as 1920x1200", param_hint="--frame")
    return int(found[2]), int(found[1])
