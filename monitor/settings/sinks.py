"""Settings of the places that alerts are sent to: one model per kind, told apart by `kind`."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self
from urllib.parse import urlsplit

from pydantic import Discriminator, Field, PositiveFloat, Tag, field_validator, model_validator
from pydantic_core import PydanticCustomError

from monitor.settings.base import SettingsModel
from monitor.settings.endpoints import folder_told
from monitor.settings.secrets import INLINE_SECRET, Secret

NAME = r"^[A-Za-z0-9][A-Za-z0-9_.-]*$"
TOPIC = r"^[^+#\x00]+$"
_IPC = "ipc://"


def is_loopback(host: str) -> bool:
    """Whether the host is this very machine, by its name or number."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_web_address(url: str, *, allow_plain_http: bool, secret: bool = False) -> None:
    """Raises ValueError, without the address itself, for one that must not be used.

    Unless it was read from a `secret`, a user or a password in it is a mistake.
    """
    parts = urlsplit(url)
    if not secret and (parts.username or parts.password):
        what = "the address holds a user or a password"
        raise PydanticCustomError(INLINE_SECRET, "{what}: keep all of it in a secret file", {"what": what})
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("the url must begin with https:// and a host")
    if parts.scheme == "http" and not allow_plain_http and not is_loopback(parts.hostname):
        raise ValueError(
            f"the url goes to {parts.hostname} without encryption: use https://, or set allow_plain_http = true where "
            "the network between is your own"
        )


class LogOptions(SettingsModel):
    """The log has no options."""


class ZeroMqOptions(SettingsModel):
    """A PUB socket on this machine; topic `alert`, JSON."""

    endpoint: str
    """An ipc:// address, such as `ipc:///run/crystal-monitor/alerts`."""

    @field_validator("endpoint")
    @classmethod
    def _is_ipc(cls, endpoint: str) -> str:
        if not endpoint.startswith(_IPC) or not Path(endpoint.removeprefix(_IPC)).name:
            raise ValueError("write ipc:// and a path, such as ipc:///run/crystal-monitor/alerts")
        if endpoint.endswith("/"):
            raise ValueError(folder_told(endpoint))
        return endpoint


class WebhookOptions(SettingsModel):
    """A POST of JSON to an HTTP server."""

    url: str | Secret
    """Where to: an https:// address, or the secret that holds it."""
    secret: Secret | None = None
    """Key of the signature (HMAC-SHA256) in the header `X-Crystal-Monitor-Signature`; none sends no signature."""
    timeout_s: PositiveFloat = Field(default=10.0, le=120.0)
    """The server must answer within so many seconds, each for the connection and for the answer."""
    ca_file: Path | None = None
    """Certificates (PEM) that the server's is checked against, for an authority of your own; else the usual ones."""
    allow_plain_http: bool = False
    """Whether an http:// address of another machine may be used; to this machine it may always."""
    proxy: str | None = None
    """Address of an HTTP proxy; none goes there directly, whatever the environment says."""

    @model_validator(mode="after")
    def _address_is_safe(self) -> Self:
        if isinstance(self.url, str):
            check_web_address(self.url, allow_plain_http=self.allow_plain_http)
        if self.proxy is not None:
            check_web_address(self.proxy, allow_plain_http=True)
        return self


class MqttOptions(SettingsModel):
    """A broker; topics `TOPIC/STATION/status`, `TOPIC/STATION/FIELD/alert` and `TOPIC/STATION/FIELD/state`."""

    host: str = Field(min_length=1)
    """The broker's name or address."""
    port: int | None = Field(default=None, ge=1, le=65_535)
    """Its port; 8883 with TLS, else 1883."""
    tls: bool = False
    """Whether the connection is encrypted and the broker's certificate checked."""
    ca_file: Path | None = None
    """Certificates (PEM) that the broker's is checked against, for an authority of your own; else the usual ones."""
    user: str | None = None
    """Name to log in with."""
    password: Secret | None = None
    """Password to log in with."""
    topic: str = Field(default="crystal-monitor", min_length=1, pattern=TOPIC)
    """What all topics begin with."""
    timeout_s: PositiveFloat = Field(default=10.0, le=120.0)
    """The broker must confirm within so many seconds."""
    keepalive_s: int = Field(default=30, ge=5, le=3600)
    """Seconds between signs of life; the broker announces `offline` after one and a half times that."""
    allow_plain: bool = False
    """Whether a password may go to another machine without TLS."""

    @model_validator(mode="after")
    def _password_is_safe(self) -> Self:
        if self.password is not None and not self.tls and not self.allow_plain and not is_loopback(self.host):
            raise ValueError(
                f"the password would go to {self.host} without encryption: set tls = true, or allow_plain = true where "
                "the network between is your own"
            )
        if self.password is not None and self.user is None:
            raise ValueError("a password needs a user")
        if self.ca_file is not None and not self.tls:
            raise ValueError("ca_file is for tls = true")
        return self


class AppriseOptions(SettingsModel):
    """E-mail, chat, text message and some hundred other services through apprise."""

    urls: Secret
    """The secret with the services' addresses, one a line (`mailtos://…`, `slack://…`); `#` begins a comment."""


class _Sink(SettingsModel):
    """What all sinks have."""

    DEFAULT_SUMMARISE: ClassVar[bool] = True
    DEFAULT_PICTURE: ClassVar[bool] = False

    name: str = Field(max_length=64, pattern=NAME)
    """The sink's name, unique: what is to be sent is kept under it. Letters, digits, `_`, `.` and `-`; the kind unless
    set."""
    summarise: bool | None = None
    """Whether a flood is put together in one message (`alerts.delivery.summary`); true unless set, but for `log`,
    `zeromq` and `mqtt`."""
    picture: bool | None = None
    """Whether the frame with the crystals' outlines goes with an alert; true for `webhook` and `apprise` unless set."""

    @model_validator(mode="before")
    @classmethod
    def _is_named(cls, given: Any) -> Any:  # whatever stands in the file
        if isinstance(given, Mapping) and "name" not in given and "kind" in given:
            return {**given, "name": given["kind"]}
        return given

    @property
    def summarises(self) -> bool:
        """Whether a flood is put together for it."""
        return self.DEFAULT_SUMMARISE if self.summarise is None else self.summarise

    @property
    def wants_picture(self) -> bool:
        """Whether the picture goes with an alert."""
        return self.DEFAULT_PICTURE if self.picture is None else self.picture


class LogSinkSettings(_Sink):
    """The process's log (under systemd: the journal)."""

    DEFAULT_SUMMARISE: ClassVar[bool] = False

    kind: Literal["log"] = "log"
    """The kind of sink."""
    options: LogOptions = LogOptions()
    """None."""


class ZeroMqSinkSettings(_Sink):
    """Programs on this machine, over ZeroMQ."""

    DEFAULT_SUMMARISE: ClassVar[bool] = False

    kind: Literal["zeromq"] = "zeromq"
    """The kind of sink."""
    options: ZeroMqOptions
    """Where."""


class WebhookSinkSettings(_Sink):
    """An HTTP server."""

    DEFAULT_PICTURE: ClassVar[bool] = True

    kind: Literal["webhook"] = "webhook"
    """The kind of sink."""
    options: WebhookOptions
    """Where, and how."""


class MqttSinkSettings(_Sink):
    """An MQTT broker."""

    DEFAULT_SUMMARISE: ClassVar[bool] = False

    kind: Literal["mqtt"] = "mqtt"
    """The kind of sink."""
    options: MqttOptions
    """Where, and how."""


class AppriseSinkSettings(_Sink):
    """People, over whatever apprise reaches."""

    DEFAULT_PICTURE: ClassVar[bool] = True

    kind: Literal["apprise"] = "apprise"
    """The kind of sink."""
    options: AppriseOptions
    """Whom."""


class AddedSinkSettings(_Sink):
    """A sink that an installed package adds (entry point group `crystal_monitor.alert_sinks`)."""

    kind: str = Field(min_length=1)
    """Name of the sink."""
    options: dict[str, str | int | float | bool | Secret] = Field(default_factory=dict)
    """What the package wants to be told; passed on as it is."""


_BUILT_IN = {"log", "zeromq", "webhook", "mqtt", "apprise"}
ADDED = "added"


def _tag(given: Any) -> str | None:  # whatever stands in the file
    kind = given.get("kind") if isinstance(given, Mapping) else getattr(given, "kind", None)
    if kind is None:
        return None
    return kind if isinstance(kind, str) and kind in _BUILT_IN else ADDED


SinkSettings = Annotated[
    Annotated[LogSinkSettings, Tag("log")]
    | Annotated[ZeroMqSinkSettings, Tag("zeromq")]
    | Annotated[WebhookSinkSettings, Tag("webhook")]
    | Annotated[MqttSinkSettings, Tag("mqtt")]
    | Annotated[AppriseSinkSettings, Tag("apprise")]
    | Annotated[AddedSinkSettings, Tag(ADDED)],
    Discriminator(_tag),
]
