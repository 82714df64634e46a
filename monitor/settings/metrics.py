"""Settings of the metrics endpoint."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Self

from pydantic import Field, field_validator, model_validator

from monitor.settings.base import SettingsModel
from monitor.settings.secrets import Secret

EXAMPLE = "127.0.0.1:9464"


class MetricsSettings(SettingsModel):
    """Metrics for Prometheus, over HTTP, from the analysis process.

    Off unless `listen` is set: a station opens no port that nobody asked for, and two stations on one machine need two.
    """

    listen: str = ""
    """Address and port, e.g. `127.0.0.1:9464` or `[::1]:9464`; empty: off. Beyond this machine it needs a token."""
    token: Secret | None = None
    """Bearer token that a scrape must bring, e.g. `{ file = "/etc/crystal-monitor/metrics.token" }`; needed for every
    address but that of this machine itself (127.0.0.0/8, ::1)."""
    certificate: Path | None = None
    """File of a TLS certificate, PEM; with it the metrics are served over HTTPS, so that nobody on the way reads them
    or the token."""
    key: Path | None = None
    """File of the certificate's private key, PEM; only this user may read it."""
    store_every_s: float = Field(default=5.0, ge=0.5, le=300, allow_inf_nan=False)
    """How often the figures that stand in the database (events, alerts, deliveries) are read for the metrics, s."""

    @field_validator("listen")
    @classmethod
    def _is_an_address(cls, listen: str) -> str:
        if listen:
            _parts(listen)
        return listen

    @model_validator(mode="after")
    def _nobody_uninvited(self) -> Self:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("metrics: certificate and key belong together: give both, or neither")
        if self.listen and not self.on_this_machine_only and self.token is None:
            raise ValueError(
                f"metrics.listen {self.listen!r} can be reached from other machines, and there is no metrics.token: "
                f'name one, e.g. token = {{ file = "/etc/crystal-monitor/metrics.token" }}, or listen on {EXAMPLE}'
            )
        return self

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        return _parts(self.listen)

    @property
    def on_this_machine_only(self) -> bool:
        """Whether no other machine can reach it."""
        return ipaddress.ip_address(self.address[0]).is_loopback


def _parts(listen: str) -> tuple[str, int]:
    host, _, port = listen.rpartition(":")
    try:
        address = ipaddress.ip_address(host.removeprefix("[").removesuffix("]"))
    except ValueError:
        address = None
    if address is None or not port.isascii() or not port.isdecimal() or not 0 <= int(port) <= 65_535:
        raise ValueError(
            f"{listen!r} is no address and port: write e.g. {EXAMPLE} (a number, not a name; IPv6 as [::1]:9464)"
        )
    return str(address), int(port)
