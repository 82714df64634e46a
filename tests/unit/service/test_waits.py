"""Who waits for the daemon's answer waits for longer than a commit may be held."""

from __future__ import annotations

from monitor.service import supervisor
from monitor.service.station_status import LONGEST_WAIT_S
from monitor.settings.analysis import ControlSettings
from monitor.store import checkpointing


def test_a_daemon_whose_commit_is_held_is_not_taken_for_frozen() -> None:
    assert ControlSettings().timeout_s > checkpointing.PATIENCE_S
    assert LONGEST_WAIT_S > checkpointing.PATIENCE_S
    assert supervisor.GRACE_S > checkpointing.PATIENCE_S, "nor killed in its last commit"
    assert checkpointing.ATTEMPT_S <= 0.5, "a stop waits for one attempt"
