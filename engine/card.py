"""The model card: what a model is, which files it consists of, and the hashes that tie them together."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from engine.errors import CardError, ModelNotFoundError, WeightsMismatchError
from engine.network.configuration import NetworkConfiguration
from engine.parity_limits import ParityLimits
from engine.thresholds import Thresholds

CARD_FORMAT = 1
SHIPPED_FOLDER = Path(__file__).resolve().parent / "weights"
_REMEDY = "Install Crystal Monitor again, or release the weights anew with `python -m train release`."


@dataclass(frozen=True)
class ModelCard:
    """Everything that is known about a set of weights; stored as JSON beside them."""

    name: str
    """Name by which the model is asked for; the file names are NAME.safetensors, .onnx, .json."""
    safetensors_sha256: str
    """SHA-256 of the torch weights, hexadecimal."""
    onnx_sha256: str
    """SHA-256 of the ONNX graph exported from those weights, hexadecimal."""
    network: NetworkConfiguration
    """The network that the weights fit."""
    outputs: tuple[str, ...] = ("crystal", "contact")
    """What each output channel is, in order."""
    positive_weights: tuple[float, ...] = (1.5, 4.0)
    """Weight of the positive class in each output's loss; undone before anything is measured."""
    thresholds: Thresholds = field(default_factory=Thresholds)
    """Post-processing that goes with these weights."""
    parity_sha256: str = ""
    """SHA-256 of the parity frames NAME.parity.npz, hexadecimal; empty where there are none: then nothing serves."""
    parity_limits: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """Limits of the parity gate for precisions that need others than the house's, by precision such as `int8`."""
    tile_px: int = 1024
    """Side of the tiles of frames too large for one go, px."""
    tile_overlap_px: int = 128
    """Overlap of neighbouring tiles, px."""
    training_data: tuple[str, ...] = ()
    """Data sets that the weights were trained on, with their licences."""
    metrics: Mapping[str, Any] = field(default_factory=dict)
    """Figures on data held back from training, area bias by size class and the calibration curve included."""
    licence: str = "Apache-2.0"
    """Licence of the weights (SPDX)."""
    created: str = ""
    """Day of the release, ISO 8601, UTC."""
    notes: str = ""
    """What else a user should know, in plain words."""
    folder: Path = Path()
    """Folder that the card was read from; not part of the JSON."""

    @property
    def safetensors_path(self) -> Path:
        """The torch weights."""
        return self.folder / f"{self.name}.safetensors"

    @property
    def onnx_path(self) -> Path:
        """The exported graph."""
        return self.folder / f"{self.name}.onnx"

    @property
    def parity_path(self) -> Path:
        """The parity frames and the reference's outputs."""
        return self.folder / f"{self.name}.parity.npz"

    def parity_limits_of(self, described: str) -> ParityLimits:
        """Limits of the parity gate for a back end by what it says of itself, such as `openvino int8`."""
        return ParityLimits.from_json(self.parity_limits.get(described.rsplit(maxsplit=1)[-1], {}))

    @property
    def weights_hash(self) -> str:
        """First 16 hexadecimal digits of the weights' SHA-256: what stands in a run's row."""
        return self.safetensors_sha256[:16]

    def verify(self, path: Path, expected: str) -> Path:
        """Give the path of a file of this model whose SHA-256 is `expected`; raise WeightsMismatchError if it is not.

        To be asked whenever the file is read: an upgrade may put another in its place while the program runs.
        """
        found = sha256_of(path)
        if found != expected:
            raise WeightsMismatchError(
                f"The weights {path} are not those of the card {self.folder / self.name}.json: SHA-256 {found[:16]}… "
                f"where the card says {expected[:16]}…. {_REMEDY} A running daemon must be started anew after it."
            )
        return path

    def to_json(self) -> str:
        """Give the card as it is stored."""
        value = {entry.name: getattr(self, entry.name) for entry in fields(self) if entry.name != "folder"}
        value |= {"network": self.network.to_json(), "thresholds": self.thresholds.to_json()}
        value["metrics"] = dict(self.metrics)
        value["parity_limits"] = {name: dict(limits) for name, limits in self.parity_limits.items()}
        return json.dumps({"card_format": CARD_FORMAT} | value, indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str, *, folder: Path, origin: str) -> ModelCard:
        """Read a card; raise CardError, naming `origin`, when it is none or of another version."""
        try:
            value = json.loads(text)
        except ValueError as error:
            raise CardError(f"The model card {origin} is not JSON ({error}). {_REMEDY}") from error
        if not isinstance(value, dict) or value.pop("card_format", None) != CARD_FORMAT:
            raise CardError(f"{origin} is no model card of format {CARD_FORMAT}. {_REMEDY}")
        known = {entry.name for entry in fields(cls)} - {"folder"}
        wrong = sorted(set(value) - known) or sorted(
            {"name", "safetensors_sha256", "onnx_sha256", "network"} - set(value)
        )
        if wrong:
            raise CardError(f"The model card {origin} has unknown or missing entries: {wrong}. {_REMEDY}")
        try:
            value["network"] = NetworkConfiguration.from_json(value["network"])
            value["thresholds"] = Thresholds.from_json(value.get("thresholds", {}))
            for name in ("outputs", "positive_weights", "training_data"):
                if name in value:
                    value[name] = tuple(value[name])
            for limits in value.get("parity_limits", {}).values():
                ParityLimits.from_json(limits)
            return cls(**value, folder=folder)
        except (TypeError, ValueError, AttributeError) as error:
            raise CardError(
                f"The model card {origin} has an entry of the wrong kind ({error}). {_REMEDY}"
            ) from error


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, hexadecimal; raise ModelNotFoundError when it cannot be read."""
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise ModelNotFoundError(
            f"The weights {path} cannot be read ({error.strerror}). {_REMEDY}"
        ) from error


def available_models() -> tuple[str, ...]:
    """Names of the models that are shipped."""
    return tuple(sorted(path.stem for path in SHIPPED_FOLDER.glob("*.json")))


def card_path(model: str | Path) -> Path:
    """Where the card of a model is: a shipped name, or a path to the card or to the weights beside it."""
    text = str(model)
    if isinstance(model, str) and text in available_models():
        return SHIPPED_FOLDER / f"{text}.json"
    path = Path(text).with_suffix(".json")
    if path.is_file():
        return path
    raise ModelNotFoundError(
        f"There is no model {text!r}. Shipped: {', '.join(available_models()) or 'none'}; "
        "or give the path of a model card (.json) that lies beside its .safetensors and .onnx."
    )


def load_card(model: str | Path = "default", *, parity: bool = True) -> ModelCard:
    """Read a model's card and verify that the weights beside it are the ones it describes.

    Raises ModelNotFoundError, CardError, or WeightsMismatchError when a file's SHA-256 differs. Nothing
    that is read is executed. `parity` False leaves the parity frames unverified, to make them anew.
    """
    path = card_path(model)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CardError(f"The model card {path} cannot be read ({error}). {_REMEDY}") from error
    card = ModelCard.from_json(text, folder=path.parent, origin=str(path))
    if card.name != path.stem:
        raise CardError(f"The model card {path} is that of {card.name!r}: rename it to {card.name}.json.")
    files = [(card.safetensors_path, card.safetensors_sha256), (card.onnx_path, card.onnx_sha256)]
    if parity and card.parity_sha256:
        files.append((card.parity_path, card.parity_sha256))
    for weights, expected in files:
        card.verify(weights, expected)
    return card
