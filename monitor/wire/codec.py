"""The grabber's messages as bytes and back: a header, and for a frame its raw pixels as a second part."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields as dataclass_fields
from typing import Any, cast

import numpy as np

from monitor.errors import FrameDecodeError
from monitor.frame import FailedFrame, FailureCause, Frame, Image, TimeSource
from monitor.settings.stream import StreamPolicy
from monitor.wire.fields import MAX_COUNT, MAX_FRAME_BYTES, Fields, clean_text, pack_header, pack_instant
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
)

_LONGEST_NAME = 128
_LONGEST_CAMERA = 256
_LONGEST_SENTENCE = 1024
_LARGEST_SIDE_PX = 65_536
_LARGEST_UM_PER_PX = 1e6
_COLOURS = 3
_GREY_AXES = 2
_COUNTS = tuple(each.name for each in dataclass_fields(GrabberCounts))
_PIXEL_TYPES: Mapping[str, np.dtype[Any]] = {"uint8": np.dtype("<u1"), "uint16": np.dtype("<u2")}


def encode(envelope: Envelope) -> list[bytes | memoryview]:
    """The parts of the message: header, and for a frame a view of its pixels (not copied; must not
    change)."""
    header: dict[str, Any] = {
        "session": envelope.session,
        "reply_to": envelope.reply_to,
        "newest_index": envelope.newest_index,
        "served_before": envelope.served_before,
        "boot_id": envelope.boot_id,
        "grabbed_boottime_ns": envelope.grabbed_boottime_ns,
        "published_boottime_ns": envelope.published_boottime_ns,
        "counts": [getattr(envelope.counts, name) for name in _COUNTS],
    }
    payload = envelope.payload
    pixels: list[bytes | memoryview] = []
    match payload:
        case Frame():
            image = np.ascontiguousarray(payload.image, dtype=payload.image.dtype.newbyteorder("<"))
            header |= {
                "kind": "frame",
                "shape": list(image.shape),
                "dtype": image.dtype.name,
                "frame_index": payload.frame_index,
                "captured": pack_instant(payload.captured),
                "time_source": payload.time_source.value,
                "um_per_px": payload.um_per_px,
                "field": clean_text(payload.field, _LONGEST_NAME),
                "camera": clean_text(payload.camera, _LONGEST_CAMERA),
                "source_name": clean_text(payload.source_name, _LONGEST_SENTENCE),
            }
            pixels.append(image.data.cast("B"))
        case FailedFrame():
            header |= {
                "kind": "failed",
                "frame_index": payload.frame_index,
                "captured": pack_instant(payload.captured),
                "time_source": payload.time_source.value,
                "cause": payload.cause.value,
                "reason": clean_text(payload.reason, _LONGEST_SENTENCE),
                "field": clean_text(payload.field, _LONGEST_NAME),
                "source_name": clean_text(payload.source_name, _LONGEST_SENTENCE),
            }
        case Hello():
            header |= {
                "kind": "hello",
                "policy": payload.policy.value,
                "camera": clean_text(payload.camera, _LONGEST_CAMERA),
                "started": pack_instant(payload.started),
                "camera_running": payload.camera_running,
                "notice_serial": payload.notice_serial,
                "earlier": [[entry.session, entry.last_index] for entry in payload.earlier],
            }
        case CameraNotice():
            header |= {
                "kind": "camera",
                "serial": payload.serial,
                "running": payload.running,
                "at": pack_instant(payload.at),
                "message": clean_text(payload.message, _LONGEST_SENTENCE),
            }
        case Heartbeat():
            header |= {"kind": "heartbeat", "camera_running": payload.camera_running}
        case Goodbye():
            header |= {"kind": "goodbye", "reason": payload.reason.value, "at": pack_instant(payload.at)}
    return [pack_header(header), *pixels]


def decode(parts: Sequence[bytes | memoryview]) -> Envelope:
    """The envelope that `encode` was given; a frame's image is a read-only view into the second part, not a
    copy.

    Raises FrameDecodeError, and nothing else, for anything malformed.
    """
    if not parts:
        raise FrameDecodeError("an empty message came: is another program writing to this socket?")
    fields = Fields(parts[0])
    kind = fields.text("kind", 16)
    read = _READERS.get(kind)
    if read is None:
        raise FrameDecodeError(
            f"a message of unknown kind {kind!r} came: run grabber and analysis of one version"
        )
    expected_parts = 2 if kind == "frame" else 1
    if len(parts) != expected_parts:
        raise FrameDecodeError(
            f"a {kind} message came in {len(parts)} parts instead of {expected_parts}: it is damaged"
        )
    session = fields.session("session")
    envelope = Envelope(
        session=session,
        reply_to=fields.integer("reply_to", 0),
        newest_index=fields.integer("newest_index", -1),
        served_before=fields.integer("served_before", -1),
        boot_id=fields.text("boot_id", 64),
        grabbed_boottime_ns=fields.integer("grabbed_boottime_ns", 0),
        published_boottime_ns=fields.integer("published_boottime_ns", 0),
        payload=read(fields, session, parts[1:]),
        counts=GrabberCounts(*fields.integers("counts", (len(_COUNTS),), 0, MAX_COUNT)),
    )
    fields.finish()
    return envelope


def _read_frame(fields: Fields, session: str, pixels: Sequence[bytes | memoryview]) -> Frame:
    return Frame(
        image=_view(fields, pixels[0]),
        session=session,
        frame_index=fields.integer("frame_index", 0),
        captured=fields.instant("captured"),
        time_source=fields.choice("time_source", TimeSource),
        um_per_px=fields.positive_or_none("um_per_px", _LARGEST_UM_PER_PX),
        field=fields.text("field", _LONGEST_NAME),
        camera=fields.text("camera", _LONGEST_CAMERA),
        source_name=fields.text("source_name", _LONGEST_SENTENCE),
    )


def _view(fields: Fields, pixels: bytes | memoryview) -> Image:
    shape = fields.integers("shape", (_GREY_AXES, _GREY_AXES + 1), 1, _LARGEST_SIDE_PX)
    if len(shape) > _GREY_AXES and shape[-1] != _COLOURS:
        raise FrameDecodeError(
            f"a frame has {shape[-1]} channels instead of {_COLOURS}: the sender is broken"
        )
    name = fields.text("dtype", 16)
    dtype = _PIXEL_TYPES.get(name)
    if dtype is None:
        raise FrameDecodeError(
            f"a frame has pixels of type {name!r}, not uint8 or uint16: the sender is broken"
        )
    # The sides are bounded above, so this product of Python's integers is exact and small.
    size = dtype.itemsize
    for side in shape:
        size *= side
    if size > MAX_FRAME_BYTES:
        raise FrameDecodeError(
            f"a frame of {size} bytes came, at most {MAX_FRAME_BYTES} are allowed: crop or bin it"
        )
    if len(pixels) != size:
        raise FrameDecodeError(
            f"a frame has {len(pixels)} bytes of pixels instead of {size}: it was cut on its way"
        )
    image = np.frombuffer(pixels, dtype=dtype).reshape(shape)
    image.flags.writeable = False
    return cast(Image, image)


def _read_failed(fields: Fields, session: str, _: Sequence[bytes | memoryview]) -> FailedFrame:
    return FailedFrame(
        session=session,
        frame_index=fields.integer("frame_index", 0),
        captured=fields.instant("captured"),
        time_source=fields.choice("time_source", TimeSource),
        cause=fields.choice("cause", FailureCause),
        reason=fields.text("reason", _LONGEST_SENTENCE),
        field=fields.text("field", _LONGEST_NAME),
        source_name=fields.text("source_name", _LONGEST_SENTENCE),
    )


def _read_hello(fields: Fields, _session: str, _: Sequence[bytes | memoryview]) -> Hello:
    return Hello(
        policy=fields.choice("policy", StreamPolicy),
        camera=fields.text("camera", _LONGEST_CAMERA),
        started=fields.instant("started"),
        camera_running=fields.truth("camera_running"),
        notice_serial=fields.integer("notice_serial", 0),
        earlier=tuple(EarlierSession(*entry) for entry in fields.sessions("earlier", MOST_EARLIER_SESSIONS)),
    )


def _read_camera(fields: Fields, _session: str, _: Sequence[bytes | memoryview]) -> CameraNotice:
    return CameraNotice(
        serial=fields.integer("serial", 1),
        running=fields.truth("running"),
        at=fields.instant("at"),
        message=fields.text("message", _LONGEST_SENTENCE),
    )


def _read_heartbeat(fields: Fields, _session: str, _: Sequence[bytes | memoryview]) -> Heartbeat:
    return Heartbeat(camera_running=fields.truth("camera_running"))


def _read_goodbye(fields: Fields, _session: str, _: Sequence[bytes | memoryview]) -> Goodbye:
    return Goodbye(reason=fields.choice("reason", GoodbyeReason), at=fields.instant("at"))


_READERS: Mapping[str, Callable[[Fields, str, Sequence[bytes | memoryview]], Payload]] = {
    "frame": _read_frame,
    "failed": _read_failed,
    "hello": _read_hello,
    "camera": _read_camera,
    "heartbeat": _read_heartbeat,
    "goodbye": _read_goodbye,
}
