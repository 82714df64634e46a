"""The operator's side of the control socket: one question, one answer."""

from __future__ import annotations

import json
from pathlib import Path

import zmq

from monitor.analysis.addressing import Addressed
from monitor.analysis.knocking import Door, knock
from monitor.errors import ControlError, NoAnswerError, WrongStationError
from monitor.settings.endpoints import IPC_PREFIX


def ask_daemon(endpoint: str, request: Addressed, timeout_s: float) -> str | None:
    """Send a request to the running daemon; its answer, or None where nobody listens at `endpoint`.

    Raises NoAnswerError where somebody listens and does not answer in time: the request waits there, and may still be
    obeyed. Raises ControlError where the daemon refuses or cannot be asked (then nothing was sent), WrongStationError
    where it is another station's.
    """
    path = Path(endpoint.removeprefix(IPC_PREFIX))
    found = knock(path)
    if found.door is Door.DOWN:
        return None
    if found.door is not Door.LISTENS:
        raise ControlError(found.why_not)
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    try:
        with context.socket(zmq.REQ) as socket:
            socket.setsockopt(zmq.LINGER, 0)
            socket.connect(endpoint)
            socket.send(request.model_dump_json().encode())
            if not socket.poll(round(timeout_s * 1000)):
                raise NoAnswerError(
                    f"the daemon at {path} gave no answer within {timeout_s:g} s; what you asked for may still be "
                    "done: look at `crystal-monitor events` before you say it again"
                )
            reply = json.loads(socket.recv())
    finally:
        context.term()
    if not reply["ok"]:
        error = WrongStationError if reply.get("wrong_station") else ControlError
        raise error(str(reply["answer"]))
    return str(reply["answer"])
