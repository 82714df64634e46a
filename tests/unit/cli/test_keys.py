"""`crystal-monitor keys`: a pair that fits, kept from others, never overwritten."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
import zmq
from click.testing import CliRunner

from monitor.cli import cli
from monitor.errors import UserError
from monitor.settings.secrets import Secret


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o000])
def test_a_pair_that_fits_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        done = CliRunner().invoke(cli, ["keys", "grabber", "--out", str(tmp_path / "new")])
    finally:
        os.umask(before)
    assert done.exit_code == 0
    secret, public = tmp_path / "new" / "grabber.key", tmp_path / "new" / "grabber.pub"
    assert [stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "new", secret, public)] == [
        0o700,
        0o600,
        0o644,
    ]
    word = Secret(file=secret).read_bytes()
    assert zmq.curve_public(word) == public.read_bytes().strip()
    assert word.decode() not in done.output
    assert f'grabber_public = "{public.read_text().strip()}"' in done.output
    assert str(secret) in done.output


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    run = ["keys", "grabber", "--out", str(tmp_path)]
    assert CliRunner().invoke(cli, run).exit_code == 0, "the control"
    kept = (tmp_path / "grabber.key").read_bytes()
    again = CliRunner().invoke(cli, run)
    assert isinstance(again.exception, UserError)
    assert "never overwritten" in str(again.exception)
    (tmp_path / "grabber.key").rename(tmp_path / "moved")
    assert isinstance(CliRunner().invoke(cli, run).exception, UserError), (
        "the public key alone is enough to refuse"
    )
    assert not (tmp_path / "grabber.key").exists(), "and half a pair is not left behind"
    assert (tmp_path / "moved").read_bytes() == kept


@pytest.mark.parametrize("name", ["../key", "a/b", "", ".hidden", "x" * 65])
def test_a_name_that_is_no_file_name_is_refused(tmp_path: Path, name: str) -> None:
    refused = CliRunner().invoke(cli, ["keys", name, "--out", str(tmp_path)])
    assert isinstance(refused.exception, UserError)
    assert list(tmp_path.iterdir()) == []
