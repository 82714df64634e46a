"""`python -m train`."""

from __future__ import annotations

import sys

from train.command_line import main

sys.exit(main())
