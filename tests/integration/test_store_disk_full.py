"""A full disk fails the frame in hand, loses nothing committed, and is over when there is room again."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from monitor.errors import StoreError, StoreUnusableError
from monitor.store import TrailReader, open_store
from tests import trail_results as made
from tests.small_disk import mounted_disk

PROJECT = Path(__file__).resolve().parents[2]

LIMITED = """
import resource, sys
from monitor.errors import StoreError
from monitor.store import open_store
from tests import trail_results as made

store = open_store(sys.argv[1])
run = store.start_run(made.run_start())
soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, hard))
index = 0
while index < 1000:
    try:
        store.append(run, made.growing(index, 40))
    except StoreError as error:
        print(error)
        break
    index += 1
else:
    sys.exit("the control failed: nothing was full")
resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
assert store.append(run, made.growing(index, 40)), "the failed frame was not repeated"
store.close()
print(index)
"""


def test_a_file_that_may_not_grow(tmp_path: Path) -> None:
    database = tmp_path / "trails.sqlite"
    child = subprocess.run(
        [sys.executable, "-c", LIMITED, str(database)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=os.environ | {"PYTHONPATH": str(PROJECT)},
    )
    assert child.returncode == 0, child.stderr
    message, index = child.stdout.splitlines()
    assert "make room" in message
    assert int(index) > 2
    with TrailReader(str(database)) as reader:
        assert reader.view("frame_log").column("frame_index") == tuple(range(int(index) + 1))


@pytest.fixture
def small_disk() -> Iterator[Path]:
    with mounted_disk(megabytes=2) as folder:
        yield folder


def test_a_disk_that_is_full_and_then_is_not(small_disk: Path) -> None:
    database = small_disk / "trails.sqlite"
    store = open_store(str(database))
    run = store.start_run(made.run_start())
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(700_000))
    indices = count()

    def fill() -> None:
        while store.append(run, made.growing(next(indices), 40)):
            pass

    with pytest.raises(StoreError, match="make room") as full:
        fill()
    assert not isinstance(full.value, StoreUnusableError)
    index = next(indices) - 1
    assert index > 2, "the control: there was room at first"
    with pytest.raises(StoreError):
        store.append(run, made.growing(index, 40))
    with TrailReader(str(database)) as reader:
        assert reader.view("frame_log").column("frame_index") == tuple(range(index))
    ballast.unlink()
    assert store.append(run, made.growing(index, 40))
    stored = store.load_field(run, "main")
    assert stored.last_elapsed_s == float(index)
    store.close()
    with TrailReader(str(database)) as reader:
        assert reader.view("frame_log").column("frame_index") == tuple(range(index + 1))


def test_a_full_disk_at_the_start_is_the_users_to_mend(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(2_080_000))
    with pytest.raises(StoreUnusableError, match="make room"):
        open_store(str(small_disk / "trails.sqlite"))
    ballast.unlink()
    open_store(str(small_disk / "trails.sqlite")).close()
