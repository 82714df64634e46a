"""The analysis' question as bytes and back."""

from __future__ import annotations

from collections.abc import Sequence

from monitor.errors import FrameDecodeError
from monitor.wire.fields import Fields, pack_header
from monitor.wire.messages import Request


def encode_request(request: Request) -> bytes:
    """The one part of a request message."""
    return pack_header(
        {
            "kind": "request",
            "serial": request.serial,
            "session": request.session,
            "after": request.after,
            "notices_after": request.notices_after,
            "unreadable": request.unreadable,
        }
    )


def decode_request(parts: Sequence[bytes | memoryview]) -> Request:
    """The request that `encode_request` was given. Raises FrameDecodeError for anything else."""
    if len(parts) != 1:
        raise FrameDecodeError(
            f"a request came in {len(parts)} parts instead of 1: who is writing to this socket?"
        )
    fields = Fields(parts[0])
    if fields.text("kind", 16) != "request":
        raise FrameDecodeError("a message to the grabber is no request: who is writing to this socket?")
    request = Request(
        serial=fields.integer("serial", 1),
        session=fields.session("session", may_be_empty=True),
        after=fields.integer("after", -1),
        notices_after=fields.integer("notices_after", 0),
        unreadable=fields.truth("unreadable"),
    )
    fields.finish()
    return request
