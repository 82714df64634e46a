"""What goes wrong in training."""

from __future__ import annotations


class TrainingError(Exception):
    """A mistake of the user's, or data that cannot be used; the message says what, the value, the remedy."""
