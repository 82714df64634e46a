"""Who gives a command, for the audit trail."""

from __future__ import annotations

import os
import pwd
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from monitor.records.audit import Attribution


def acting_for() -> str:
    """The user before `sudo`, `su` or `runuser`, where there is one: nobody has proved it; else empty."""
    name = os.environ.get("SUDO_USER", "")
    if not name:
        try:
            name = os.getlogin()
        except OSError:  # no terminal
            return ""
    return name if name != _own_name() else ""


def by_its_own_word(reason: str = "") -> Attribution:
    """For a command that writes into the store itself: whoever runs it says who that is."""
    from monitor.records.audit import Attribution, Authority

    return Attribution(Authority.CLAIMED, _own_name(), os.geteuid(), acting_for(), reason)


def _own_name() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())
