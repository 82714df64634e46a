"""The control socket: commands of the operator to the running daemon, the one writer of its store."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

import zmq
from pydantic import Field, TypeAdapter, ValidationError

from monitor.analysis.addressing import Addressed, wrong_address
from monitor.analysis.daemon_status import DaemonStatus
from monitor.analysis.fields import Fields
from monitor.analysis.runs import RunKeeper
from monitor.errors import ControlError, StoreError
from monitor.records import Event, EventKind
from monitor.records.audit import Attribution, Authority
from monitor.records.run import AlertsMuted, EventAcknowledged, RunEvent, TimeZeroSet
from monitor.settings.station import StationSettings
from monitor.settings.waits import LONGEST_MUTE_S
from monitor.store import user_name
from monitor.wire import make_socket_folder

log = logging.getLogger(__name__)

LONGEST_MESSAGE_BYTES = 65_536
NO_NUL = r"^[^\x00]*$"
"""No database takes a text with the character NUL in it."""


class _Command(Addressed):
    """What every command may say for the audit trail."""

    reason: str = Field(default="", max_length=1000, pattern=NO_NUL)
    """Why it is given."""
    claimed_by: str = Field(default="", max_length=200, pattern=NO_NUL)
    """Whom the command line acts for, by its own word."""


class NewRun(_Command):
    """Close the open run and open the next with the next frame."""

    command: Literal["new-run"] = "new-run"
    name: str = Field(min_length=1, max_length=200, pattern=NO_NUL)
    """Name of the new run."""


class SetZero(_Command):
    """Make this moment the run's time zero."""

    command: Literal["zero"] = "zero"


class WriteNote(_Command):
    """Write a note into the run."""

    command: Literal["note"] = "note"
    text: str = Field(min_length=1, max_length=4000, pattern=NO_NUL)
    """The note."""


class Acknowledge(_Command):
    """Acknowledge an event."""

    command: Literal["ack"] = "ack"
    event_id: int = Field(ge=1, le=2**63 - 1)
    """Which, as in `event_log`."""


class Mute(_Command):
    """Silence alerts."""

    command: Literal["mute"] = "mute"
    seconds: float = Field(ge=0, le=LONGEST_MUTE_S, allow_inf_nan=False)
    """For how long, seconds; 0 ends the silence."""


class AskStatus(Addressed):
    """Say how the daemon stands; changes nothing."""

    command: Literal["status"] = "status"


Command = Annotated[NewRun | SetZero | WriteNote | Acknowledge | Mute, Field(discriminator="command")]
_COMMANDS: TypeAdapter[Command | AskStatus] = TypeAdapter(
    Annotated[NewRun | SetZero | WriteNote | Acknowledge | Mute | AskStatus, Field(discriminator="command")]
)
_STATUS = TypeAdapter(AskStatus)


def obey(command: Command, asked_by: Attribution, keeper: RunKeeper, fields: Fields | None) -> str:
    """Do what the operator asks; the answer is for them. `asked_by` stands in the audit trail, with their reason.

    Raises ControlError where there is no open run to do it to or a reason is missing, StoreError where the store cannot
    take it.
    """
    if keeper.settings.audit.require_reason and not command.reason and not isinstance(command, WriteNote):
        raise ControlError(
            f"{command.command}: this station asks for a reason (audit.require_reason): add --reason TEXT"
        )
    by = replace(asked_by, why=command.reason, claimed=command.claimed_by or asked_by.claimed)
    now = keeper.clock.now()
    if isinstance(command, NewRun):
        keeper.begin_next(command.name, by)
        return f"run {command.name!r} begins with the next frame"
    if isinstance(command, Acknowledge):
        keeper.acknowledge(EventAcknowledged(now, command.event_id), by)
        return f"event {command.event_id} is acknowledged"
    run = keeper.run
    if run is None:
        raise ControlError(f"{command.command}: no run is open; a run begins with the first frame")
    match command:
        case SetZero():
            keeper.record(TimeZeroSet(now), by)
            return f"time zero of run {run.run_id} ({run.start.name}) is now, {now.utc.isoformat(timespec='seconds')}"
        case WriteNote():
            keeper.record(RunEvent(now, Event(EventKind.NOTE, command.text)), by)
            return f"noted in run {run.run_id} ({run.start.name})"
        case Mute():
            if fields is None:
                raise ControlError("the daemon is down and raises no alerts: start it, then mute")
            message = (
                f"alerts are muted for {command.seconds:g} s"
                if command.seconds
                else "alerts are no longer muted"
            )
            until = now.after(command.seconds)
            keeper.record(AlertsMuted(now, until, message), by)
            fields.mute(until)
            return message


def peer_of(frame: zmq.Frame) -> Attribution:
    """Which user sent it, by the kernel's word (SO_PEERCRED): libzmq puts `ADDRESS:UID:GID:PID` into its metadata."""
    try:
        uid = int(str(frame.get("Peer-Address")).split(":")[-3])
    except (zmq.ZMQError, KeyError, ValueError, IndexError):
        return Attribution(Authority.CLAIMED, "unknown")  # a libzmq that was built without it
    return Attribution(Authority.KERNEL, user_name(uid), uid)


class CommandServer:
    """Answers commands between two frames, in the analysis thread: what it writes cannot race with a frame."""

    def __init__(
        self,
        context: zmq.Context[zmq.Socket[bytes]],
        endpoint: str,
        fields: Fields,
        status: Callable[[str], DaemonStatus] | None = None,
        serves: StationSettings | None = None,
    ) -> None:
        """Bind to `endpoint` (ipc://PATH); the socket is the owner's and the group's only.

        `status` says how the daemon stands, given what it waits for; requests for another station than `serves` are
        refused.
        """
        self._fields = fields
        self._status = status
        self._serves = serves
        self._path = Path(endpoint.removeprefix("ipc://"))
        self._socket = context.socket(zmq.ROUTER)
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.setsockopt(zmq.MAXMSGSIZE, LONGEST_MESSAGE_BYTES)
        try:
            make_socket_folder(self._path.parent)
            self._socket.bind(endpoint)
            self._path.chmod(0o660)
        except (zmq.ZMQError, OSError) as error:
            self._socket.close()
            raise ControlError(
                f"the control socket {endpoint} cannot be opened ({error}): choose another with control.endpoint"
            ) from error

    def answer(self, keeper: RunKeeper) -> int:
        """Obey all commands that wait; how many there were. Never blocks, never raises for what others send."""
        return self._serve(lambda message, peer: self._reply(message, peer, keeper))

    def refuse(self, reason: str) -> int:
        """Answer all commands that wait with a no, and why; how many there were. As `answer` otherwise."""
        refusal: dict[str, object] = {"ok": False, "answer": f"not done: {reason}"}
        return self._serve(lambda message, _peer: self._told_status(message, reason) or refusal)

    def _told_status(self, message: bytes, waiting_for: str) -> dict[str, object] | None:
        """The answer to a question that can be answered while nothing can be written; None for a command."""
        try:
            asked = _STATUS.validate_json(message)
        except ValidationError:
            return None
        return self._wrong_address(asked) or self._say_status(waiting_for)

    def _wrong_address(self, asked: Addressed) -> dict[str, object] | None:
        """The refusal of a request that is another station's; None where it is this one's."""
        why = wrong_address(asked, self._serves) if self._serves is not None else ""
        return {"ok": False, "answer": why, "wrong_station": True} if why else None

    def _say_status(self, waiting_for: str = "") -> dict[str, object]:
        if self._status is None:
            return {"ok": False, "answer": "this daemon does not say how it stands"}
        return {"ok": True, "answer": self._status(waiting_for).model_dump_json()}

    def _serve(self, reply_to: Callable[[bytes, Attribution], dict[str, object]]) -> int:
        answered = 0
        while self._socket.poll(0):
            frames = self._socket.recv_multipart(copy=False)
            answered += 1
            reply = reply_to(frames[-1].bytes, peer_of(frames[-1]))
            try:
                self._socket.send_multipart([*frames[:-1], json.dumps(reply).encode()], flags=zmq.NOBLOCK)
            except zmq.ZMQError as error:
                log.warning("an answer on the control socket could not be sent: %s", error)
        return answered

    def _reply(self, message: bytes, peer: Attribution, keeper: RunKeeper) -> dict[str, object]:
        try:
            command = _COMMANDS.validate_json(message)
            refusal = self._wrong_address(command)
            if refusal is not None:
                return refusal
            if isinstance(command, AskStatus):
                return self._say_status()
            return {"ok": True, "answer": obey(command, peer, keeper, self._fields)}
        except ValidationError as error:
            return {"ok": False, "answer": f"the command is not understood: {error.errors()[0]['msg']}"}
        except (ControlError, StoreError) as error:
            return {"ok": False, "answer": str(error)}

    def close(self) -> None:
        """Unbind and remove the socket's file."""
        self._socket.close()
        self._path.unlink(missing_ok=True)
