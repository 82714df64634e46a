"""What passes between grabber and analysis: a versioned header and raw pixels, never pickle."""

from monitor.wire.codec import decode, encode
from monitor.wire.curve import ZAP_DOMAIN, connect_with_keys, make_key_pair, serve_with_keys
from monitor.wire.fields import MAX_FRAME_BYTES, MAX_HEADER_BYTES
from monitor.wire.handshakes import HandshakeFailure, HandshakeWatch
from monitor.wire.messages import (
    MOST_EARLIER_SESSIONS,
    CameraNotice,
    EarlierSession,
    Envelope,
    Goodbye,
    GoodbyeReason,
    GrabberCounts,
    Heartbeat,
    Hello,
    Payload,
    Request,
)
from monitor.wire.requests import decode_request, encode_request
from monitor.wire.socket_folder import make_socket_folder
from monitor.wire.socket_lock import SocketLock, SocketTakenError

__all__ = [
    "MAX_FRAME_BYTES",
    "MAX_HEADER_BYTES",
    "MOST_EARLIER_SESSIONS",
    "ZAP_DOMAIN",
    "CameraNotice",
    "EarlierSession",
    "Envelope",
    "Goodbye",
    "GoodbyeReason",
    "GrabberCounts",
    "HandshakeFailure",
    "HandshakeWatch",
    "Heartbeat",
    "Hello",
    "Payload",
    "Request",
    "SocketLock",
    "SocketTakenError",
    "connect_with_keys",
    "decode",
    "decode_request",
    "encode",
    "encode_request",
    "make_key_pair",
    "make_socket_folder",
    "serve_with_keys",
]
