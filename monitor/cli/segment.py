"""`segment`: stills to label images, overlays and one table of crystals."""

from __future__ import annotations

import csv
import errno
from dataclasses import asdict
from pathlib import Path

import click
import cv2
import numpy as np
from numpy.typing import NDArray

COLUMNS_LEFT_OUT = ("bbox_xywh_px", "contact_labels")


@click.command(epilog="Example: crystal-monitor segment plate7/ --out plate7-crystals --um-per-px 0.44")
@click.argument("images", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="Folder for the results; made if missing.",
)
@click.option(
    "--um-per-px",
    type=click.FloatRange(min=0, min_open=True),
    help="Calibration, µm per pixel; without it columns in µm stay empty.",
)
@click.option(
    "--model", default="default", show_default=True, help="Shipped weights by name, or a model card's path."
)
@click.option(
    "--backend",
    type=click.Choice(["auto", "openvino", "tensorrt", "torch"]),
    default="auto",
    show_default=True,
    help="What runs the network; auto takes the best that can run here.",
)
def segment(images: tuple[Path, ...], out: Path, um_per_px: float | None, model: str, backend: str) -> None:
    """Find the crystals in IMAGES (files or folders; 8 or 16 bit, grey or colour).

    Writes into the folder --out for every image NAME.png (16-bit labels, 0 is background) and NAME.overlay.png, and
    one crystals.csv with a row for every crystal. Exit code 1 when some of the images could not be read.
    """
    from monitor.analysis.stills import segment_stills
    from monitor.archive import overlay
    from monitor.errors import CrystalMonitorError, SourceError
    from monitor.settings.loading import load_settings

    settings = load_settings(None, {"analysis": {"model": model, "backend": backend}})
    files = _files(images)
    _refuse_collisions(files, out)
    out.mkdir(parents=True, exist_ok=True)
    failed = 0
    with (out / "crystals.csv").open("w", newline="", encoding="utf-8") as table:
        writer: csv.DictWriter[str] | None = None
        for path, still in segment_stills(files, settings, um_per_px):
            if isinstance(still, SourceError):
                click.echo(f"{path.name}: {still}", err=True)
                failed += 1
                continue
            stem = f"{path.stem}_{still.page}" if still.page else path.stem
            _write(out / f"{stem}.png", still.labels_HW.astype(np.uint16))
            _write(out / f"{stem}.overlay.png", overlay(still.image, still.labels_HW))
            for crystal in still.observations:
                row = (
                    {"file": path.name}
                    | {name: value for name, value in asdict(crystal).items() if name not in COLUMNS_LEFT_OUT}
                    | {"in_contact": crystal.in_contact}
                )
                if writer is None:
                    writer = csv.DictWriter(table, fieldnames=list(row))
                    writer.writeheader()
                writer.writerow(row)
            click.echo(f"{path.name}: {len(still.observations)} crystals ({still.backend})")
            if not still.observations and still.left_out:
                click.echo(f"{path.name}: {still.left_out}", err=True)
    if failed == len(files):
        raise SourceError(f"none of the {failed} files could be read: name images, as PNG, JPEG, TIFF or BMP")
    if failed:
        raise CrystalMonitorError(f"{failed} of {len(files)} files could not be read; the rest is in {out}")


def _refuse_collisions(files: list[Path], out: Path) -> None:
    """Results are named after their images: none may fall on an image, or on another's result."""
    from monitor.errors import SourceError

    results: dict[Path, Path] = {}
    sources = {path.resolve() for path in files}
    for path in files:
        for result in (out / f"{path.stem}.png", out / f"{path.stem}.overlay.png"):
            resolved = result.resolve()
            if resolved in sources:
                raise SourceError(
                    f"the result {result} would overwrite an image: name another folder with --out"
                )
            if resolved in results:
                raise SourceError(
                    f"{path} and {results[resolved]} would both give {result}: segment them one by one"
                )
            results[resolved] = path


def _write(path: Path, image: NDArray[np.uint8] | NDArray[np.uint16]) -> None:
    if not cv2.imwrite(str(path), image):
        raise OSError(errno.EIO, "the image could not be written", str(path))


def _files(images: tuple[Path, ...]) -> list[Path]:
    from monitor.errors import SourceError
    from monitor.footage import IMAGE_SUFFIXES, list_images

    files: list[Path] = []
    for path in images:
        if path.is_dir():
            found = list_images(path)
            if not found:
                endings = ", ".join(sorted(IMAGE_SUFFIXES))
                raise SourceError(f"folder {path} has no images ({endings}): name another folder")
            files += found
        elif path.is_file():
            files.append(path)
        else:
            raise SourceError(f"{path} does not exist: name an image or a folder of images")
    return files
