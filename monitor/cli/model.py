"""`model`: the weights that are there, and whether they are what their cards say."""

from __future__ import annotations

import click

from monitor.cli.options import json_option
from monitor.cli.output import print_rows


@click.group()
def model() -> None:
    """List and verify the weights."""


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


@model.command("verify", epilog="Example: crystal-monitor model verify default")
@click.argument("name", default="default")
def verify(name: str) -> None:
    """Check that the weights NAME (a shipped name, or the path of a card) match their card; exit code 2 if not."""
    from engine import EngineError, load_card
    from monitor.errors import UserError

    try:
        card = load_card(name)
    except EngineError as error:
        raise UserError(str(error)) from error
    click.echo(
        f"{card.name}: weights and ONNX file match their card (sha256 {card.safetensors_sha256[:16]}…)"
    )
