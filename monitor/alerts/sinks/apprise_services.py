"""The sink that tells people, over whatever apprise reaches: e-mail, chat, text message ..."""

from __future__ import annotations

import logging
import re

from apprise import Apprise, AppriseAsset, AppriseAttachment, NotifyFormat, NotifyType
from apprise.attachment.memory import AttachMemory
from apprise.logger import LogCapture
from apprise.plugins.base import NotifyBase

from monitor.alerts.message import text_of, title_of
from monitor.alerts.sinks.failure import AlertSinkError
from monitor.errors import SettingsError
from monitor.records import AlertNotice
from monitor.records.vocabulary import Severity
from monitor.settings.sinks import AppriseOptions

_LOGGER = logging.getLogger("apprise")
_NOWHERE = logging.NullHandler()
_TYPES = {
    Severity.INFO: NotifyType.INFO,
    Severity.WARNING: NotifyType.WARNING,
    Severity.CRITICAL: NotifyType.FAILURE,
}
_STATUS = re.compile(r"error\s*=\s*(\d{3})\b")
_REASONS = (
    ("timed out", "it did not answer in time"),
    ("name resolution", "its name is not known"),
    ("name or service not known", "its name is not known"),
    ("connection refused", "it refused the connection"),
    ("certificate", "its certificate is not trusted"),
    ("authentication", "it refused user or password"),
    ("connection error", "it cannot be reached"),
)


class AppriseSink:
    """Every service of the secret is told by itself: one that took an alert is not told again because another failed.

    What apprise logs may hold addresses with passwords: it is read for known reasons, and goes nowhere.
    """

    def __init__(self, options: AppriseOptions, station: str) -> None:
        """Read the addresses; connects nowhere. Raises SettingsError for an address that apprise does not know."""
        self._services = _services(options)
        self._told_key = ""
        self._told: set[int] = set()

    @staticmethod
    def check(options: AppriseOptions, station: str) -> None:
        """Raises SettingsError for addresses that cannot be read or used."""
        _services(options)

    def send(self, notice: AlertNotice) -> None:
        """Tell every service. Raises AlertSinkError, by number and kind of the service, where one did not take it."""
        if notice.key != self._told_key:
            self._told_key, self._told = notice.key, set()
        failed = []
        for number, service in enumerate(self._services, 1):
            if number in self._told:
                continue
            why = _tell(service, notice)
            if why is None:
                self._told.add(number)
            else:
                failed.append(f"service {number} ({service.scheme}): {why}")
        if failed:
            count = f"{len(failed)} of {len(self._services)} services" if len(self._services) > 1 else "it"
            raise AlertSinkError(f"{count} did not take it: {'; '.join(failed)}")

    def close(self) -> None:
        """Nothing is held."""


class _Service:
    """One address."""

    def __init__(self, scheme: str, plugin: NotifyBase, asset: AppriseAsset) -> None:
        self.scheme = scheme
        self.teller = Apprise(asset=asset)
        self.teller.add(plugin)


def _tell(service: _Service, notice: AlertNotice) -> str | None:
    """None where the service took it, else why not, without any secret."""
    attachment = AppriseAttachment()
    if notice.picture is not None:
        attachment.add(AttachMemory(content=notice.picture, name="crystals.png", mimetype="image/png"))
    kind = _TYPES[notice.alert.severity] if notice.alert.raised else NotifyType.SUCCESS
    with LogCapture(level=logging.INFO) as said:
        taken = service.teller.notify(
            body=text_of(notice),
            title=title_of(notice),
            notify_type=kind,
            body_format=NotifyFormat.TEXT,
            attach=attachment if notice.picture is not None else None,
        )
        words = said.getvalue()
    return None if taken else _reason(words)


def _reason(words: str) -> str:
    status = _STATUS.search(words)
    if status is not None:
        return f"it answered {status[1]}"
    lowered = words.lower()
    return next((reason for word, reason in _REASONS if word in lowered), "apprise does not say why")


def _services(options: AppriseOptions) -> list[_Service]:
    _LOGGER.propagate = False
    _LOGGER.addHandler(_NOWHERE)
    lines = options.urls.read().get_secret_value().splitlines()
    addresses = [line.strip() for line in lines if line.strip() and not line.strip().startswith("#")]
    if not addresses:
        raise SettingsError(
            f"the secret {options.urls} has no address: write one a line, such as mailtos://…"
        )
    asset = AppriseAsset(app_id="Crystal Monitor", app_desc="Crystal Monitor", app_url="", async_mode=False)
    services = []
    for number, address in enumerate(addresses, 1):
        scheme, colon, _ = address.partition("://")
        with LogCapture(level=logging.INFO):
            plugin = Apprise.instantiate(address, asset=asset, suppress_exceptions=True)
        if not isinstance(plugin, NotifyBase):
            known = scheme if colon and re.fullmatch(r"[a-z0-9+]{1,20}", scheme) else "?"
            raise SettingsError(
                f"address {number} of the secret {options.urls} ({known}://…) is none that apprise can use: "
                "its documentation has the forms"
            )
        services.append(_Service(scheme, plugin, asset))
    return services
