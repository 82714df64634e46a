"""`StationSettings`: everything one station is told, from one TOML file, the environment and flags."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from monitor.settings.alerts import AlertSettings
from monitor.settings.analysis import AnalysisSettings, ControlSettings
from monitor.settings.audit import AuditSettings
from monitor.settings.camera import CameraSettings, SimulatedCameraSettings
from monitor.settings.completion import CompletionSettings
from monitor.settings.endpoints import IPC_PREFIX
from monitor.settings.kinetics import KineticsSettings
from monitor.settings.log import LogSettings
from monitor.settings.measuring import MeasuringSettings
from monitor.settings.metrics import MetricsSettings
from monitor.settings.quality import QualitySettings
from monitor.settings.service import INTERVALS, ServiceSettings
from monitor.settings.sinks import NAME
from monitor.settings.storage import StorageSettings
from monitor.settings.stream import UNNAMED, StreamSettings, default_endpoint
from monitor.settings.tracking import TrackingSettings

ENVIRONMENT_PREFIX = "CRYSTAL_MONITOR__"
NESTING = "__"


class StationSettings(BaseSettings):
    """One station: a camera, the stream from it, the analysis and the store.

    Later sources win: the TOML file, then the environment (`CRYSTAL_MONITOR__ANALYSIS__INTERVAL_S=5`), then flags.
    """

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        use_attribute_docstrings=True,
        env_prefix=ENVIRONMENT_PREFIX,
        env_nested_delimiter=NESTING,
        title="Crystal Monitor station",
    )

    name: str = Field(default=UNNAMED, min_length=1, max_length=64, pattern=NAME)
    """Name of the station: letters, digits, `_`, `.` and `-`; stands in file names."""
    camera: CameraSettings = Field(default_factory=SimulatedCameraSettings)
    """Where frames come from."""
    stream: StreamSettings = Field(default_factory=StreamSettings)
    """How frames travel from the grabber to the analysis."""
    analysis: AnalysisSettings = Field(default_factory=AnalysisSettings)
    """Engine and cadence."""
    quality: QualitySettings = Field(default_factory=QualitySettings)
    """Which frames must not be measured."""
    measuring: MeasuringSettings = Field(default_factory=MeasuringSettings)
    """How crystals are measured."""
    tracking: TrackingSettings = Field(default_factory=TrackingSettings)
    """How crystals are followed."""
    kinetics: KineticsSettings = Field(default_factory=KineticsSettings)
    """How growth is fitted."""
    completion: CompletionSettings = Field(default_factory=CompletionSettings)
    """When crystallization counts as complete."""
    alerts: AlertSettings = Field(default_factory=AlertSettings)
    """What raises an alert, and where alerts go."""
    storage: StorageSettings = Field(default_factory=StorageSettings)
    """The database and the archive of key frames."""
    control: ControlSettings = Field(default_factory=ControlSettings)
    """Where the running daemon takes commands."""
    log: LogSettings = Field(default_factory=LogSettings)
    """How much the processes say."""
    audit: AuditSettings = AuditSettings()
    """What the audit trail asks of people."""
    metrics: MetricsSettings = Field(default_factory=MetricsSettings)
    """Where the running daemon serves its metrics."""
    service: ServiceSettings = Field(default_factory=ServiceSettings)
    """When systemd takes a process for frozen."""

    @model_validator(mode="before")
    @classmethod
    def _sockets_of_its_own(cls, given: Any) -> Any:
        """Two stations of one user must not take each other's frames or commands."""
        if not isinstance(given, Mapping) or not isinstance(name := given.get("name", UNNAMED), str):
            return given
        stream = given.get("stream", {})
        if isinstance(stream, Mapping) and "endpoint" not in stream:
            return {**given, "stream": {**stream, "endpoint": default_endpoint(name)}}
        if isinstance(stream, StreamSettings) and "endpoint" not in stream.model_fields_set:
            return {**given, "stream": stream.model_copy(update={"endpoint": default_endpoint(name)})}
        return given

    @model_validator(mode="after")
    def _gate_looks_before_blindness(self) -> StationSettings:
        gate, blind_after_s = self.analysis.change_gate, self.completion.blind_after_s
        if gate.enabled and 2 * gate.max_age_s > blind_after_s:
            raise ValueError(
                f"analysis.change_gate.max_age_s is {gate.max_age_s:g} s, more than half of completion.blind_after_s "
                f"({blind_after_s:g} s): a field that does not change would count as blind. Lower max_age_s to "
                f"{blind_after_s / 2:g} or less, or raise blind_after_s."
            )
        return self

    @property
    def control_endpoint(self) -> str:
        """Where the running daemon takes commands: as set, else beside the stream's socket."""
        return self.control.endpoint or f"{IPC_PREFIX}{self.stream.folder}/control.ipc"

    @property
    def progress_limit_s(self) -> float:
        """Longest time that an analysis which works lets pass without a commit, seconds."""
        return max(INTERVALS * self.analysis.interval_s, self.service.least_limit_s)

    @property
    def proof_interval_s(self) -> float:
        """While no frame comes, a silence is committed this often, seconds."""
        return self.progress_limit_s / INTERVALS

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what it is given: `load_settings` merges file, environment and flags, so that flags win."""
        return (init_settings,)
