"""`python -m train`."""

from __future__ import annotations

import signal
import sys

from train.command_line import main
from train.interruption import raise_for

signal.signal(signal.SIGTERM, raise_for)
sys.exit(main())
