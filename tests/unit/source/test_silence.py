"""Silence is time spent waiting, not time spent working."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from monitor.settings.stream import StreamSettings
from monitor.source.silence import SilenceWatch


def test_silence_is_told_once_and_ends_with_a_sign_of_life() -> None:
    watch = SilenceWatch(5)
    assert [watch.wait(2) for _ in range(4)] == [False, False, True, False]
    assert watch.hear()
    assert not watch.hear()
    assert not watch.wait(4.9)


@pytest.mark.parametrize(
    ("endpoint", "match"),
    [
        ("ipc://" + "/x" * 60, "120 bytes"),
        ("ipc:///run/é" + "x" * 101, "108 bytes"),
        ("tcp://10.0.0.5:5555", "keys"),
        ("ipc://relative", "absolute ipc"),
        ("", "absolute ipc"),
    ],
)
def test_an_endpoint_that_cannot_work_is_refused(endpoint: str, match: str) -> None:
    with pytest.raises(ValidationError, match=match):
        StreamSettings(endpoint=endpoint)


def test_the_longest_endpoint_is_accepted() -> None:
    assert StreamSettings(endpoint="ipc:///" + "x" * 106)
