"""The sink that posts alerts as JSON to an HTTP server, signed."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import requests
from requests.exceptions import ConnectionError as NotConnectedError
from requests.exceptions import RequestException, SSLError, Timeout

from monitor.alerts.sinks.failure import AlertRefusedError, AlertSinkError
from monitor.alerts.sinks.notice_json import notice_as_plain
from monitor.clock import NANOSECONDS_PER_SECOND, SystemClock
from monitor.errors import SettingsError
from monitor.records import AlertNotice
from monitor.settings.secrets import Secret
from monitor.settings.sinks import WebhookOptions, check_web_address

_SLOW_DOWN = frozenset({408, 425, 429})
_REFUSED = frozenset({400, 413, 415, 422})
_TOO_LARGE = 413


class WebhookSink:
    """One POST per alert: the body is `notice_as_plain` and `picture` (`media_type`, `base64`; null where none goes).

    Headers: `Idempotency-Key` (the same in every attempt), `X-Crystal-Monitor-Timestamp` (seconds since 1970) and, with
    a secret, `X-Crystal-Monitor-Signature`: `sha256=` and the hexadecimal HMAC-SHA256 of timestamp, `.` and body.
    Taken is what is answered with 2xx. No redirect is followed: whoever is meant stands in the settings.
    """

    def __init__(self, options: WebhookOptions, station: str) -> None:
        """Read the secrets; connects nowhere. Raises SettingsError for what cannot be used."""
        self._options = options
        self._url, self._key = _address(options), _key(options)
        self._host = urlsplit(self._url).hostname or ""
        self._clock = SystemClock()
        self._session = requests.Session()
        self._session.trust_env = False  # no proxy and no password that the settings do not know of
        self._session.verify = str(options.ca_file) if options.ca_file is not None else True
        if options.proxy is not None:
            self._session.proxies = {"http": options.proxy, "https": options.proxy}

    @staticmethod
    def check(options: WebhookOptions, station: str) -> None:
        """Raises SettingsError for an address, secret or certificate that cannot be used."""
        _address(options)
        _key(options)

    def send(self, notice: AlertNotice) -> None:
        """POST it. Raises AlertSinkError for what is not answered with 2xx."""
        try:
            self._post(notice, notice.picture)
        except _TooLargeError:
            self._post(notice, None)

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def _post(self, notice: AlertNotice, picture: bytes | None) -> None:
        body = _body(notice, picture)
        timestamp = str(self._clock.now().utc_ns // NANOSECONDS_PER_SECOND)
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "crystal-monitor",
            "Idempotency-Key": notice.key,
            "X-Crystal-Monitor-Timestamp": timestamp,
        }
        if self._key is not None:
            signed = hmac.new(self._key, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
            headers["X-Crystal-Monitor-Signature"] = f"sha256={signed}"
        try:
            with self._session.post(
                self._url,
                data=body,
                headers=headers,
                timeout=(self._options.timeout_s, self._options.timeout_s),
                allow_redirects=False,
                stream=True,
            ) as answer:
                self._judge(answer, has_picture=picture is not None)
        except RequestException as error:
            # Its own words may hold the address, and that a secret.
            raise AlertSinkError(f"{self._host} {_why(error, self._options.timeout_s)}") from None

    def _judge(self, answer: requests.Response, *, has_picture: bool) -> None:
        status = answer.status_code
        if 200 <= status < 300:
            return
        said = f"{self._host} answered {status} {answer.reason or ''}".rstrip()
        if 300 <= status < 400:
            to = urlsplit(answer.headers.get("Location", "")).hostname or "another path"
            raise AlertSinkError(
                f"{said}: it redirects to {to}, which is not followed; name the final address"
            )
        if status == _TOO_LARGE and has_picture:
            raise _TooLargeError(said)
        if status in _REFUSED:
            raise AlertRefusedError(said)
        if status in _SLOW_DOWN or status >= 500:
            raise AlertSinkError(
                said, _retry_after_s(answer.headers.get("Retry-After"), self._clock.now().utc)
            )
        raise AlertSinkError(f"{said}: check address and secret of the sink")


class _TooLargeError(AlertSinkError):
    """The server takes no message of this size."""


def _address(options: WebhookOptions) -> str:
    if options.ca_file is not None and not options.ca_file.is_file():
        raise SettingsError(f"the certificates {options.ca_file} are missing: name a PEM file")
    if not isinstance(options.url, Secret):
        return options.url
    url = options.url.read().get_secret_value()
    try:
        check_web_address(url, allow_plain_http=options.allow_plain_http, secret=True)
    except ValueError as error:
        raise SettingsError(f"the address in the secret {options.url} cannot be used: {error}") from None
    return url


def _key(options: WebhookOptions) -> bytes | None:
    return None if options.secret is None else options.secret.read_bytes()


def _body(notice: AlertNotice, picture: bytes | None) -> bytes:
    shown = None
    if picture is not None:
        shown = {"media_type": "image/png", "base64": base64.b64encode(picture).decode("ascii")}
    return json.dumps({**notice_as_plain(notice), "picture": shown}, ensure_ascii=False).encode()


def _why(error: RequestException, timeout_s: float) -> str:
    if isinstance(error, SSLError):
        return "has a certificate that is not trusted: name its authority in ca_file, or mend it"
    if isinstance(error, Timeout):
        return f"did not answer within {timeout_s:g} s"
    if isinstance(error, NotConnectedError):
        return "cannot be reached"
    return f"cannot be asked ({type(error).__name__})"


def _retry_after_s(header: str | None, now: datetime) -> float | None:
    """Seconds, of a number or a date; None for neither."""
    if header is None:
        return None
    if header.strip().isdecimal():
        return float(header)
    try:
        moment = parsedate_to_datetime(header)
    except ValueError:
        return None
    return max((moment - now).total_seconds(), 0.0) if moment.tzinfo is not None else None
