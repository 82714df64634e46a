"""Numbers on the command line, refused with what they have to be: `type=` of an argument."""

from __future__ import annotations

import argparse
import math


def count(text: str) -> int:
    """A whole number from 1 on; raises `argparse.ArgumentTypeError`."""
    return _whole(text, 1)


def count_from_zero(text: str) -> int:
    """A whole number from 0 on; raises `argparse.ArgumentTypeError`."""
    return _whole(text, 0)


def positive(text: str) -> float:
    """A number above 0; raises `argparse.ArgumentTypeError`."""
    value = _number(text)
    if value <= 0:
        raise argparse.ArgumentTypeError(f"{text} is not above 0: give a number that is")
    return value


def share(text: str) -> float:
    """A number above 0 and up to 1; raises `argparse.ArgumentTypeError`."""
    value = _number(text)
    if not 0 < value <= 1:
        raise argparse.ArgumentTypeError(f"{text} is no share: give a number above 0 and up to 1")
    return value


def _whole(text: str, least: int) -> int:
    try:
        value = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number") from None
    if value < least:
        raise argparse.ArgumentTypeError(f"{text} is below {least}: give {least} or more")
    return value


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no number") from None
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"{text} is no finite number")
    return value
