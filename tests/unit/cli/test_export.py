"""A file of an export is whole or not there, also where the export is stopped in its middle."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.cli.export import made_whole


def test_a_file_takes_its_name_once_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "frame_log.csv"
    path.write_text("of an earlier export")
    with made_whole(path) as part:
        part.write_text("half")
        assert path.read_text() == "of an earlier export", "the control: it is still written"
    assert path.read_text() == "half"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("stop", [KeyboardInterrupt, OSError])
def test_a_stop_leaves_no_half_a_file(tmp_path: Path, stop: type[BaseException]) -> None:
    path = tmp_path / "frame_log.csv"

    def write_half() -> None:
        with made_whole(path) as part:
            part.write_text("half")
            raise stop

    with pytest.raises(stop):
        write_half()
    assert list(tmp_path.iterdir()) == []
