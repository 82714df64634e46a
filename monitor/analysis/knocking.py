"""Whether somebody listens on a control socket, as the kernel says: whoever does is not asked anything."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

_PROBE_S = 1.0


class Door(StrEnum):
    """What came of a knock at a socket."""

    LISTENS = "listens"
    """Somebody may be asked; whether they answer is another matter."""
    DOWN = "down"
    """Nobody listens."""
    FORBIDDEN = "forbidden"
    """This user may not ask."""
    BUSY = "busy"
    """Somebody listens, and takes no more questions."""
    UNUSABLE = "unusable"
    """No socket can be there."""


@dataclass(frozen=True, slots=True)
class Knock:
    """What came of it, and in words."""

    door: Door
    """The whole in a word."""
    why_not: str = ""
    """Why there is no use in asking, for the user; empty where there is."""


def knock(path: Path) -> Knock:
    """Connect to the socket and hang up. Only one that nobody listens on is a daemon's that is down."""
    try:
        with socket.socket(socket.AF_UNIX) as probe:  # a socket that nobody listens on refuses at once
            probe.settimeout(_PROBE_S)
            probe.connect(str(path))
    except PermissionError:
        return Knock(
            Door.FORBIDDEN, f"this user may not ask the daemon at {path}: use its user, or one of its group"
        )
    except (ConnectionRefusedError, FileNotFoundError):
        return Knock(Door.DOWN, f"the daemon is down: nothing answers at {path}")
    except (BlockingIOError, TimeoutError):
        # The kernel holds some hundred for one that does not come to accept them.
        return Knock(
            Door.BUSY,
            f"the daemon does not answer: {path} holds all the questions that it can; it is frozen",
        )
    except OSError as error:
        return Knock(
            Door.UNUSABLE,
            f"the daemon cannot be asked at {path} ({error.strerror or error}): check control.endpoint",
        )
    return Knock(Door.LISTENS)
