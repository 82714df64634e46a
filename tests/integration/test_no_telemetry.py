"""The station calls nobody: OpenVINO's own reporting is off."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("openvino")

OURS = (
    "import numpy, engine; s = engine.Segmenter(backend='openvino'); "
    "s.segment(numpy.zeros((64, 64), numpy.uint8)); s.close()"
)
REPORTER = """
class Telemetry:
    def __init__(self, *args, **options): ...
    def send_event(self, *args, **options):
        print("reported", args)
"""


@pytest.fixture
def reporter(tmp_path: Path) -> Path:
    """Stands where OpenVINO looks for what reports, and says so instead: a test must not call its makers either."""
    package = tmp_path / "openvino_telemetry"
    (package / "backend").mkdir(parents=True)
    (package / "__init__.py").write_text(REPORTER)
    (package / "backend" / "__init__.py").write_text("")
    (package / "backend" / "backend_ga4.py").write_text("")
    return tmp_path


def run(code: str, reporter: Path) -> str:
    path = os.pathsep.join([str(reporter), *filter(None, sys.path)])
    environment = os.environ | {"PYTHONPATH": path, "HOME": str(reporter)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_openvino_reports_nothing(reporter: Path) -> None:
    assert "reported" in run("import openvino", reporter), "the control: by itself it does"
    assert run(OURS, reporter) == ""
    assert not (reporter / "intel").exists()
