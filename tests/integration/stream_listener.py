"""An analysis process for the stream tests: commits every frame and loss to a file, and resumes from it.

Arguments: endpoint, policy, seconds of work per frame, file.
A line is a commit: `frame SESSION INDEX` or `loss SESSION FIRST LAST REASON`; those of one answer are written at once.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from monitor.clock import SystemClock
from monitor.frame import FailedFrame, Frame
from monitor.settings.stream import StreamPolicy, StreamSettings
from monitor.source import Notice, NoticeKind, ResumePoint, connect_source


def resume_point(file: Path) -> ResumePoint | None:
    """From the last commit; one that was cut off by a kill does not count, and is removed."""
    content = file.read_bytes() if file.exists() else b""
    whole = content[: content.rfind(b"\n") + 1]
    if len(whole) != len(content):
        file.write_bytes(whole)
    if not whole:
        return None
    last = whole.decode().splitlines()[-1].split()
    return ResumePoint(last[1], int(last[2] if last[0] == "frame" else last[3]))


def main() -> None:
    endpoint, policy, work_s, name = sys.argv[1:5]
    file = Path(name)
    settings = StreamSettings(endpoint=endpoint, policy=StreamPolicy(policy), heartbeat_s=0.2, silence_s=1.0)
    point = resume_point(file)
    source = connect_source(settings, SystemClock(), () if point is None else (point,))
    source.open()
    output = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    ended = False
    while not ended:
        received = source.next(1.0)
        if received is None:
            continue
        lines = [
            f"loss {loss.session} {loss.first_index} {loss.last_index} {loss.reason}\n"
            for loss in received.losses
        ]
        item = received.item
        if isinstance(item, Frame | FailedFrame):
            time.sleep(float(work_s))
            lines.append(f"frame {item.session} {item.frame_index}\n")
        elif isinstance(item, Notice):
            ended = item.kind is NoticeKind.SESSION_EXHAUSTED
        os.write(output, "".join(lines).encode())
    source.close()


if __name__ == "__main__":
    main()
