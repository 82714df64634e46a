"""`.ci/audit-dependencies`: fails on a vulnerability, and says so where it could not ask.

pip-audit itself is played here: whether a registry can be asked is not the test's to know.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / ".ci" / "audit-dependencies"

# Answers like `python -m pip_audit … -r PINS … -o REPORT`: PLAYED says for which pins something is found.
PLAYED = """
import json, os, pathlib, sys
pins = pathlib.Path(sys.argv[sys.argv.index("-r") + 1]).read_text()
found = [name for name in os.environ["PLAYED"].split() if name in pins]
if os.environ["PLAYED"] == "silence":
    sys.exit("ConnectionError: no route")
vulnerable = [{"name": name, "version": "1", "vulns": [{"id": "X-1", "fix_versions": ["2"]}]} for name in found]
pathlib.Path(sys.argv[sys.argv.index("-o") + 1]).write_text(json.dumps({"dependencies": vulnerable}))
sys.exit(bool(found))
"""


@pytest.mark.parametrize(
    ("played", "code", "says"),
    [
        ("jinja2", 0, "no known vulnerabilities in 1 pinned"),
        ("jinja2 numpy", 1, "VULNERABLE: numpy 1: X-1, mended in 2"),
        ("nothing", 0, "NOT ASKED: the registry here tells of none in jinja2"),
        ("silence", 0, "NOT ASKED: no registry answers (ConnectionError"),
    ],
)
def test_what_it_makes_of_the_answer(tmp_path: Path, played: str, code: int, says: str) -> None:
    (tmp_path / "pip_audit.py").write_text(PLAYED)
    (tmp_path / "pins.txt").write_text("numpy==1.0\n")
    done = subprocess.run(
        [str(SCRIPT), sys.executable, str(tmp_path / "pins.txt")],
        env={**os.environ, "PYTHONPATH": str(tmp_path), "PLAYED": played},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stderr
    assert says in done.stdout + done.stderr
