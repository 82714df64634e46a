"""A back end that is replaced behind the analysis leaves the process able to hear SIGTERM."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

pytest.importorskip("openvino")

ENDS_BY_ANOTHER_THREAD = """
import gc, os, signal, threading
import numpy, openvino
from engine.backends.openvino import OpenVinoBackend
from engine.card import load_card

def ours():
    backend = OpenVinoBackend(load_card(), threads=1)
    backend.infer(numpy.zeros((1, 1, 64, 64), numpy.float32))
    return backend

def theirs():
    core = openvino.Core()
    core.get_property("CPU", "FULL_DEVICE_NAME")
    return core

signal.signal(signal.SIGTERM, lambda *_: print("heard", flush=True))
kept = [{name}()]
ending = threading.Thread(target=lambda: (kept.clear(), gc.collect()))
ending.start()
ending.join()
os.kill(os.getpid(), signal.SIGTERM)
"""


def run(name: str) -> subprocess.CompletedProcess[str]:
    code = ENDS_BY_ANOTHER_THREAD.replace("{name}", name)
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_a_process_hears_its_end_after_a_back_end_was_given_up() -> None:
    assert run("theirs").returncode == -signal.SIGSEGV, "the control: OpenVINO's own way ends the process"
    done = run("ours")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "heard\n"
