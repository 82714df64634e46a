"""The wire's round trip, and its refusal of everything else: random bytes, cuts, flips, JSON-shaped junk."""

from __future__ import annotations

import json
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.clock import Instant
from monitor.errors import FrameDecodeError
from monitor.frame import FailedFrame, FailureCause, Frame, TimeSource
from monitor.settings.stream import StreamPolicy
from monitor.wire import (
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
    decode,
    decode_request,
    encode,
    encode_request,
)

SESSION = "0123456789abcdef" * 2
COUNTS = st.integers(0, 2**63 - 1)
LASTS = st.integers(-1, 2**63 - 1)
TEXTS = st.text('aZ09 µ×结🔬"\\/_-', max_size=20)
SESSIONS = st.text("0123456789abcdef", min_size=32, max_size=32)
INSTANTS = st.builds(
    Instant,
    st.integers(-(2**62), 2**62),
    st.none() | st.integers(-(2**62), 2**62),
    TEXTS.map(lambda t: t[:64]),
)


@st.composite
def frames(draw: st.DrawFn, session: str = SESSION) -> Frame:
    colours = draw(st.booleans())
    shape = (draw(st.integers(1, 9)), draw(st.integers(1, 9))) + ((3,) if colours else ())
    dtype = draw(st.sampled_from([np.uint8, np.uint16]))
    image = np.random.default_rng(draw(st.integers(0, 99))).integers(0, np.iinfo(dtype).max, shape, dtype)
    return Frame(
        image=image,
        session=session,
        frame_index=draw(COUNTS),
        captured=draw(INSTANTS),
        time_source=draw(st.sampled_from(TimeSource)),
        um_per_px=draw(st.none() | st.floats(1e-6, 1e6)),
        field=draw(TEXTS),
        camera=draw(TEXTS),
        source_name=draw(TEXTS),
    )


FAILED = st.builds(
    FailedFrame, st.just(SESSION), COUNTS, INSTANTS, TEXTS, TEXTS, TEXTS, st.sampled_from(FailureCause)
)
HELLOS = st.builds(
    Hello,
    st.sampled_from(StreamPolicy),
    TEXTS,
    INSTANTS,
    st.booleans(),
    COUNTS,
    st.lists(st.builds(EarlierSession, SESSIONS, LASTS), max_size=16).map(tuple),
)
PAYLOADS: st.SearchStrategy[Payload] = st.one_of(
    frames(),
    FAILED,
    HELLOS,
    st.builds(CameraNotice, st.integers(1, 2**63 - 1), st.booleans(), INSTANTS, TEXTS),
    st.builds(Heartbeat, st.booleans()),
    st.builds(Goodbye, st.sampled_from(GoodbyeReason), INSTANTS),
)
GRABBER_COUNTS = st.builds(GrabberCounts, *[COUNTS] * 7)
ENVELOPES = st.builds(
    Envelope,
    st.just(SESSION),
    COUNTS,
    LASTS,
    LASTS,
    TEXTS.map(lambda t: t[:64]),
    COUNTS,
    COUNTS,
    PAYLOADS,
    GRABBER_COUNTS,
)
REQUESTS = st.builds(Request, st.integers(1, 2**63 - 1), st.just("") | SESSIONS, LASTS, COUNTS, st.booleans())
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["", SESSION, "frame", "uint8", "NaN", 10**400, -1, 2**63, 1e308]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


def header_of(body: bytes) -> bytes:
    """A header whose checksum is right, whatever it holds: so that junk gets past the first gate."""
    return struct.pack("<4sI", b"CMW1", zlib.crc32(body)) + body


def fields_of(header: bytes | memoryview) -> dict[str, Any]:
    return dict(json.loads(bytes(header)[8:]))


@given(ENVELOPES)
def test_whatever_is_encoded_is_decoded_again(envelope: Envelope) -> None:
    again = decode([bytes(part) for part in encode(envelope)])
    for name in Envelope.__slots__:
        if name != "payload":
            assert getattr(again, name) == getattr(envelope, name)
    sent, came = envelope.payload, again.payload
    if isinstance(sent, Frame):
        assert isinstance(came, Frame)
        np.testing.assert_array_equal(came.image, sent.image)
        assert came.image.dtype == sent.image.dtype
        for name in Frame.__slots__:
            if name != "image":
                assert getattr(came, name) == getattr(sent, name)
    else:
        assert came == sent


@given(frames())
def test_the_image_is_a_read_only_view_of_the_message(frame: Frame) -> None:
    header, pixels = encode(Envelope(SESSION, 1, 1, -1, "boot", 1, 2, frame))
    message = bytearray(pixels)
    came = decode([header, memoryview(message)]).payload
    assert isinstance(came, Frame)
    assert not came.image.flags.writeable
    before = came.image.flat[0]
    message[0] ^= 0xFF
    assert came.image.flat[0] != before, "the image is a copy"


def test_pixels_are_not_copied_when_encoded() -> None:
    image = np.zeros((4, 5), np.uint8)
    frame = Frame(image, SESSION, 0, Instant(0), TimeSource.CAMERA)
    pixels = encode(Envelope(SESSION, 1, 0, -1, "boot", 1, 2, frame))[1]
    assert np.shares_memory(np.frombuffer(pixels, np.uint8), image)


@given(REQUESTS)
def test_whatever_is_asked_is_understood(request: Request) -> None:
    assert decode_request([encode_request(request)]) == request


@settings(max_examples=150)
@given(st.lists(st.binary(max_size=200), max_size=4))
def test_random_bytes_are_refused(parts: list[bytes]) -> None:
    with pytest.raises(FrameDecodeError):
        decode(parts)
    with pytest.raises(FrameDecodeError):
        decode_request(parts)


@settings(max_examples=150)
@given(ENVELOPES, st.data())
def test_a_flipped_bit_in_the_header_is_refused(envelope: Envelope, data: st.DataObject) -> None:
    header, *pixels = encode(envelope)
    damaged = bytearray(header)
    bit = data.draw(st.integers(0, 8 * len(damaged) - 1))
    damaged[bit // 8] ^= 1 << (bit % 8)
    with pytest.raises(FrameDecodeError):
        decode([bytes(damaged), *pixels])


@given(ENVELOPES, st.data())
def test_a_cut_message_is_refused(envelope: Envelope, data: st.DataObject) -> None:
    parts = [bytes(part) for part in encode(envelope)]
    which = data.draw(st.integers(0, len(parts) - 1))
    parts[which] = parts[which][: data.draw(st.integers(0, len(parts[which]) - 1))]
    with pytest.raises(FrameDecodeError):
        decode(parts)
    with pytest.raises(FrameDecodeError):
        decode(parts[:-1])
    with pytest.raises(FrameDecodeError):
        decode([*parts, b"", b""])


@settings(max_examples=200)
@given(JSON)
def test_json_shaped_junk_is_refused(junk: object) -> None:
    header = header_of(json.dumps(junk).encode())
    with pytest.raises(FrameDecodeError):
        decode([header])
    with pytest.raises(FrameDecodeError):
        decode([header, b"pixels"])
    with pytest.raises(FrameDecodeError):
        decode_request([header])


@settings(max_examples=200)
@given(ENVELOPES, st.data(), JSON)
def test_one_field_replaced_by_junk_is_refused_or_valid(
    envelope: Envelope, data: st.DataObject, junk: object
) -> None:
    """Never another error than FrameDecodeError; and what passes must be a sound envelope."""
    header, *pixels = encode(envelope)
    fields = fields_of(header)
    name = data.draw(st.sampled_from(sorted(fields)))
    fields[name] = junk
    try:
        again = decode([header_of(json.dumps(fields).encode()), *pixels])
    except FrameDecodeError:
        return
    encode(again)


@given(ENVELOPES, st.data())
def test_a_missing_or_additional_field_is_refused(envelope: Envelope, data: st.DataObject) -> None:
    header, *pixels = encode(envelope)
    fields = fields_of(header)
    left_out = data.draw(st.sampled_from(sorted(fields)))
    fewer = {name: value for name, value in fields.items() if name != left_out}
    for changed in (fewer, fields | {"extra": 1}):
        with pytest.raises(FrameDecodeError):
            decode([header_of(json.dumps(changed).encode()), *pixels])


FRAME = Frame(np.zeros((2, 3), np.uint8), SESSION, 0, Instant(0), TimeSource.CAMERA)
FRAME_FIELDS = fields_of(encode(Envelope(SESSION, 1, 1, -1, "b", 1, 2, FRAME))[0])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("shape", [2, -3]),
        ("shape", [0, 0]),
        ("shape", [6]),
        ("shape", [2, 3, 4]),
        ("shape", [2, 3, True]),
        ("shape", [65_536, 65_536]),
        ("shape", [2**32, 2**32]),
        ("shape", [2.0, 3.0]),
        ("shape", "23"),
        ("dtype", "float64"),
        ("dtype", "object"),
        ("dtype", "uint16"),
        ("frame_index", -1),
        ("frame_index", 2**63),
        ("frame_index", 1.0),
        ("frame_index", True),
        ("um_per_px", 0),
        ("um_per_px", -1),
        ("um_per_px", 10**400),
        ("um_per_px", "1"),
        ("session", SESSION.upper()),
        ("session", "../../etc/passwd"),
        ("source_name", "a\x00b"),
        ("source_name", "x" * 1025),
        ("captured", [0, 0]),
        ("captured", [10**30, 0, ""]),
        ("time_source", "guess"),
        ("kind", "pickle"),
        ("kind", ["frame"]),
    ],
)
def test_a_frame_with_this_field_is_refused(field: str, value: object) -> None:
    pixels = bytes(6)
    assert isinstance(decode([header_of(json.dumps(FRAME_FIELDS).encode()), pixels]).payload, Frame), (
        "the control"
    )
    with pytest.raises(FrameDecodeError):
        decode([header_of(json.dumps(FRAME_FIELDS | {field: value}).encode()), pixels])


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 10_000,
        b'{"a":' * 3_000,
        b"1" * 10_000,
        b'{"kind":NaN}',
        b'{"kind":Infinity}',
        b'{"kind":1e999}',
        b'{"kind":"\\ud800"}',
        b"\xff\xfe{\x00}\x00",
        b"{" + b" " * 20_000 + b"}",
        b'"frame"',
        b"",
    ],
    ids=lambda body: repr(body[:16]),
)
def test_a_hostile_header_is_refused(body: bytes) -> None:
    with pytest.raises(FrameDecodeError):
        decode([header_of(body)])


@pytest.mark.parametrize("text", ["a\x00b", "line\nbreak", "lone \udc80 surrogate", "x" * 5000])
def test_dirty_text_can_be_sent(text: str) -> None:
    """File names and driver messages are what they are: they must not break the stream."""
    failed = FailedFrame(SESSION, 0, Instant(0), text, field="main", source_name=text)
    came = decode(encode(Envelope(SESSION, 1, 0, -1, "boot", 1, 2, failed))).payload
    assert isinstance(came, FailedFrame)
    assert came.reason.isprintable()
