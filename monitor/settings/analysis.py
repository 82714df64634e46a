"""How often and with what the analysis looks at frames."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

from monitor.settings.base import SettingsModel
from monitor.settings.change_gate import ChangeGateSettings
from monitor.settings.endpoints import check_endpoint
from monitor.settings.waits import ANSWER_WITHIN_S


class AnalysisSettings(SettingsModel):
    """The engine and the cadence of the analysis."""

    interval_s: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    """Least time between the beginnings of two analyses, seconds; 0 analyses as fast as the machine can. At 300
    crystals in view every frame writes about 300 rows of 280 bytes: 10 s is 2.6 million rows and 0.73 GB a day."""
    backend: Literal["auto", "openvino", "tensorrt", "torch"] = "auto"
    """Inference back end; `auto` serves at once with what is ready and swaps to the fastest that can run here as soon
    as that is proven. A back end that is named serves from the first frame; one that cannot start is an error."""
    on_engine_loss: Literal["degrade", "stop"] = "degrade"
    """What the loss of the back end while running does (out of memory, device lost, any failure). `degrade`: the same
    frame is done again on the next best, with event and alert, and the lost one is tried again behind. `stop`: the
    frame is stored as `failed`, and the analysis ends with exit code 3, for the supervisor to start it again."""
    model: str = "default"
    """Name of shipped weights, or the path of a model card (`NAME.json` with its weights beside it)."""
    threads: int = Field(default=0, ge=0)
    """Processor threads for inference; 0 leaves the choice to the back end."""
    model_cache: Path | None = None
    """Folder for compiled models; none takes the user's cache folder. It is made if it is missing."""
    engines: Path | None = None
    """Folder with TensorRT engines built ahead of time by `crystal-monitor model build`; none builds them here, in
    seconds. Root or the daemon's user must own it, and nobody else may write it: an engine is code."""
    change_gate: ChangeGateSettings = ChangeGateSettings()
    """Inference of changed tiles only."""
    resume: bool = True
    """Whether a start goes on with the run that is open; false opens a new run at every start of the station. An
    analysis that its supervisor starts again in the middle of a run goes on with it in either case."""
    run_name: str = "run"
    """Name of a run that a start opens."""


class ControlSettings(SettingsModel):
    """Where the running daemon takes commands: new-run, zero, note, ack, mute."""

    endpoint: str = Field(default="", pattern=r"^(ipc://.+)?$")
    """ZeroMQ endpoint, `ipc://PATH`; empty places it beside the stream's socket, as `control.ipc`."""
    timeout_s: float = Field(default=ANSWER_WITHIN_S, gt=0, allow_inf_nan=False)
    """How long the command line waits for the daemon's answer, seconds. Without one the command may still be done:
    commits, and commands with them, can be held for 10 s by programs that read the database."""

    @field_validator("endpoint")
    @classmethod
    def _endpoint_is_usable(cls, endpoint: str) -> str:
        return check_endpoint(endpoint) if endpoint else endpoint
