"""CURVE keys on a ZeroMQ socket: encryption, and proof of who is at either end (ZMTP 3.1, RFC 26)."""

from __future__ import annotations

import zmq

from monitor.errors import SettingsError
from monitor.settings.secrets import Secret
from monitor.settings.stream import StreamKeys

ZAP_DOMAIN = b"crystal-monitor"
"""What the grabber's question to its gatekeeper names (RFC 27); without an answer nobody comes in."""
_MAKE = "make one with `crystal-monitor keys NAME --out FOLDER`"


def make_key_pair() -> tuple[str, str]:
    """A new public and secret key, 40 characters of Z85 each."""
    public, secret = zmq.curve_keypair()
    return public.decode("ascii"), secret.decode("ascii")


def serve_with_keys(socket: zmq.Socket[bytes], keys: StreamKeys) -> None:
    """Let the socket, before it is bound, serve as the grabber. Raises SettingsError for keys that do not do."""
    if not keys.listeners:
        raise SettingsError(
            "stream.keys.listeners is empty, so that nobody may have frames: add the analysis' public key (NAME.pub)"
        )
    public, secret = _pair(keys.grabber_secret, "stream.keys.grabber_secret", "the grabber's")
    if keys.grabber_public is not None and keys.grabber_public != public:
        raise SettingsError(
            f"stream.keys.grabber_public is not that of stream.keys.grabber_secret, which is {public}: correct it, "
            "here and at the analysis"
        )
    socket.curve_server = 1
    socket.curve_secretkey = secret
    socket.zap_domain = ZAP_DOMAIN
    # Without a gatekeeper the library would let everybody in who knows the public key.
    socket.setsockopt(zmq.ZAP_ENFORCE_DOMAIN, 1)


def connect_with_keys(socket: zmq.Socket[bytes], keys: StreamKeys) -> str:
    """Let the socket, before it connects, speak to that grabber alone; its own public key, for messages.

    Raises SettingsError for keys that do not do.
    """
    if keys.grabber_public is None:
        raise SettingsError(
            "stream.keys.grabber_public is missing: copy the grabber's public key (NAME.pub) into the settings"
        )
    public, secret = _pair(keys.listener_secret, "stream.keys.listener_secret", "the analysis'")
    try:
        socket.curve_serverkey = keys.grabber_public.encode("ascii")
    except zmq.ZMQError:
        raise SettingsError(
            "stream.keys.grabber_public is no key: copy the 40 characters of the grabber's NAME.pub"
        ) from None
    socket.curve_publickey = public.encode("ascii")
    socket.curve_secretkey = secret
    return public


def _pair(place: Secret | None, setting: str, whose: str) -> tuple[str, bytes]:
    """Public and secret key of the secret that is kept there."""
    if place is None:
        raise SettingsError(f"{setting}, {whose} secret key, is missing: {_MAKE}, and name its file")
    try:
        secret = place.read_bytes()
    except SettingsError as error:
        raise SettingsError(f"{setting}: {error}") from None
    try:
        return zmq.curve_public(secret).decode("ascii"), secret
    except (zmq.ZMQError, ValueError, UnicodeDecodeError):
        raise SettingsError(f"{setting}: the {place} holds no secret key: {_MAKE}") from None
