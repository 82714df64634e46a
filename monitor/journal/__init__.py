"""What the processes say: to systemd's journal, with fields of their own, or in readable lines elsewhere."""

from monitor.journal.handler import JOURNAL_SOCKET, JournalHandler
from monitor.journal.setting_up import ANCHORS, set_level, set_up_logging
from monitor.journal.subject import about, now_about

__all__ = ["ANCHORS", "JOURNAL_SOCKET", "JournalHandler", "about", "now_about", "set_level", "set_up_logging"]
