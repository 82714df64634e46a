"""What passes between grabber and analysis: a versioned header and raw pixels, never pickle."""

from monitor.wire.codec import decode, encode
from monitor.wire.fields import MAX_FRAME_BYTES, MAX_HEADER_BYTES
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

__all__ = [
    "MAX_FRAME_BYTES",
    "MAX_HEADER_BYTES",
    "MOST_EARLIER_SESSIONS",
    "CameraNotice",
    "EarlierSession",
    "Envelope",
    "Goodbye",
    "GoodbyeReason",
    "GrabberCounts",
    "Heartbeat",
    "Hello",
    "Payload",
    "Request",
    "decode",
    "decode_request",
    "encode",
    "encode_request",
    "make_socket_folder",
]
