"""The sink that publishes alerts and the fields' states to an MQTT broker."""

from __future__ import annotations

import json
import re
import secrets
import ssl
import threading

from paho.mqtt.client import (
    MQTT_ERR_NO_CONN,
    MQTT_ERR_SUCCESS,
    Client,
    ConnectFlags,
    DisconnectFlags,
    MQTTMessageInfo,
)
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from monitor.alerts.sinks.failure import AlertSinkError
from monitor.alerts.sinks.notice_json import field_as_plain, notice_as_plain
from monitor.errors import SettingsError
from monitor.records import AlertNotice
from monitor.records.alert import FieldNow
from monitor.settings.sinks import MqttOptions

_QOS = 1
_OFFLINE, _ONLINE = b"offline", b"online"
_NOT_IN_A_LEVEL = re.compile(r"[+#/\x00]")


class MqttSink:
    """Topics, all UTF-8, QoS 1:

    - `TOPIC/STATION/status`, retained: `online`; `offline` after a stop, and by last will where the station vanishes.
    - `TOPIC/STATION/FIELD/alert`: an alert, `notice_as_plain` as JSON; of the station itself: `TOPIC/STATION/alert`.
    - `TOPIC/STATION/FIELD/state`, retained: how the field is, `field_as_plain` as JSON.

    The connection is made at the first message and kept, by a thread of paho's; `+`, `#` and `/` in names become `_`.

    What the broker has not confirmed stays in paho's queue, which repeats it on the next connection. So the same
    message again waits for that one, and another message takes its place: the queue holds one, however often it is
    tried, and one that the broker never takes is in nobody's way.
    """

    def __init__(self, options: MqttOptions, station: str) -> None:
        """Read the password; connects nowhere. Raises SettingsError for what cannot be used."""
        self._options = options
        self._place = f"{options.host}:{_port(options)}"
        self._base = f"{options.topic.rstrip('/')}/{_level(station)}"
        self._station = station
        self._answered = threading.Event()
        self._refusal = ""
        self._begun = False
        self._announces = True
        self._unconfirmed: tuple[str, str, MQTTMessageInfo] | None = None
        self._online: MQTTMessageInfo | None = None
        self._client = self._new_client()

    @staticmethod
    def check(options: MqttOptions, station: str) -> None:
        """Raises SettingsError for a password or certificate that cannot be used."""
        _log_in(Client(CallbackAPIVersion.VERSION2), options)

    def on_trial(self) -> None:
        """Leave the station's `status` alone: it is the running daemon's."""
        self._announces = False
        self._client.will_clear()

    def send(self, notice: AlertNotice) -> None:
        """Publish it and wait for the broker's confirmation. Raises AlertSinkError."""
        field = f"/{_level(notice.field)}" if notice.field else ""
        self._publish(f"{self._base}{field}/alert", notice_as_plain(notice), retain=False)

    def show(self, now: FieldNow) -> None:
        """Publish it in place of the field's last state. Raises AlertSinkError."""
        self._publish(f"{self._base}/{_level(now.field)}/state", field_as_plain(now), retain=True)

    def close(self) -> None:
        """Say `offline` and part."""
        if not self._begun:
            return
        if self._announces and self._client.is_connected():
            self._client.publish(f"{self._base}/status", _OFFLINE, _QOS, retain=True).wait_for_publish(1.0)
        self._client.disconnect()
        self._client.loop_stop()

    def _publish(self, topic: str, plain: dict[str, object], *, retain: bool) -> None:
        payload = json.dumps(plain, ensure_ascii=False)
        if self._unconfirmed is not None and self._unconfirmed[:2] != (topic, payload):
            self._begin_anew()
        self._connect()
        if self._unconfirmed is None:
            self._unconfirmed = topic, payload, _queued(self._client.publish(topic, payload, _QOS, retain))
        sent = self._unconfirmed[2]
        try:
            sent.wait_for_publish(self._options.timeout_s)
        except (RuntimeError, ValueError) as error:
            self._unconfirmed = None  # it is not in the queue
            raise AlertSinkError(f"the broker {self._place} did not take it: {error}") from error
        if not sent.is_published():
            raise AlertSinkError(
                f"the broker {self._place} did not confirm within {self._options.timeout_s:g} s"
            )
        self._unconfirmed = None

    def _new_client(self) -> Client:
        # A name of its own: a broker parts two clients of one name, such as the daemon and a test message.
        name = f"crystal-monitor-{self._station}-{secrets.token_hex(4)}"
        client = Client(CallbackAPIVersion.VERSION2, client_id=name)
        client.connect_timeout = self._options.timeout_s
        client.reconnect_delay_set(min_delay=1, max_delay=60)
        if self._announces:
            client.will_set(f"{self._base}/status", _OFFLINE, _QOS, retain=True)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        _log_in(client, self._options)
        return client

    def _begin_anew(self) -> None:
        """With another client of paho's: an empty queue cannot be had otherwise."""
        try:
            client = self._new_client()
        except SettingsError as error:
            raise AlertSinkError(str(error)) from error
        self._client.disconnect()
        self._client.loop_stop()
        self._client = client
        self._unconfirmed = self._online = None
        self._begun = False
        self._answered.clear()

    def _connect(self) -> None:
        if self._client.is_connected():
            return
        if not self._begun:
            self._begun = True
            self._client.connect_async(self._options.host, _port(self._options), self._options.keepalive_s)
            self._client.loop_start()
        self._answered.wait(self._options.timeout_s)
        if not self._client.is_connected():
            why = self._refusal or "it cannot be reached"
            self._answered.clear()
            raise AlertSinkError(f"no connection to the broker {self._place}: {why}")

    def _on_connect(
        self,
        client: Client,
        _data: object,
        _flags: ConnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        self._refusal = f"it refused ({reason}): check user and password" if reason.is_failure else ""
        if (
            self._announces
            and not reason.is_failure
            and (self._online is None or self._online.is_published())
        ):
            self._online = _queued(client.publish(f"{self._base}/status", _ONLINE, _QOS, retain=True))
        self._answered.set()

    def _on_disconnect(
        self,
        _client: Client,
        _data: object,
        _flags: DisconnectFlags,
        _reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        self._answered.clear()


def _queued(sent: MQTTMessageInfo) -> MQTTMessageInfo:
    """Where the connection broke just now, paho has it in its queue all the same: that is no failure yet."""
    if sent.rc == MQTT_ERR_NO_CONN:
        sent.rc = MQTT_ERR_SUCCESS
    return sent


def _log_in(client: Client, options: MqttOptions) -> None:
    if options.user is not None:
        password = None if options.password is None else options.password.read().get_secret_value()
        client.username_pw_set(options.user, password)
    if options.tls:
        try:
            context = ssl.create_default_context(cafile=options.ca_file)
        except (OSError, ssl.SSLError) as error:
            raise SettingsError(
                f"the certificates {options.ca_file} cannot be used ({error}): name a PEM file"
            ) from error
        client.tls_set_context(context)


def _port(options: MqttOptions) -> int:
    return options.port or (8883 if options.tls else 1883)


def _level(name: str) -> str:
    return _NOT_IN_A_LEVEL.sub("_", name)
