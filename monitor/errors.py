"""The one tree of errors; every message says what, the value, and the remedy."""

from __future__ import annotations


class CrystalMonitorError(Exception):
    """Root of every error that Crystal Monitor raises on purpose.

    The message is shown to the user as it is: it names what is wrong, the value, and the remedy.
    """


class UserError(CrystalMonitorError):
    """A mistake of the user's at start: shown without a stack trace, exit code 2."""


class SettingsError(UserError):
    """A settings file, environment variable or flag that cannot be used."""


class SourceError(UserError):
    """A folder, file or device that was named as a source of frames cannot be used."""


class StoreError(CrystalMonitorError):
    """The trail store cannot be read or written."""


class StoreUnusableError(StoreError, UserError):
    """The trail store that was named at start cannot be opened."""


class BackupError(StoreError, UserError):
    """A backup or a restore that cannot be made, or a backup that is not whole."""


class QueryError(UserError):
    """A question to the store that is refused: not read-only, too long, too many rows."""


class UnknownRunError(UserError):
    """A run that was named is not in the store."""


class UnknownCrystalError(UserError):
    """A crystal was asked for that is not in the run."""


class FrameDecodeError(CrystalMonitorError):
    """Bytes on the camera wire that are no frame; counted, never a crash."""


class CameraError(CrystalMonitorError):
    """A camera failed while running; the grabber reports it and reconnects."""


class EngineLostError(CrystalMonitorError):
    """The back end was lost while running, and the settings say to stop then; exit code 3."""


class ControlError(UserError):
    """A command to a running daemon was refused or not answered."""


class NoAnswerError(ControlError):
    """The daemon gave no answer in time; the request waits at its socket, and may still be obeyed."""


class WrongStationError(ControlError):
    """The daemon that was asked is another station's, or it is not known which station is meant."""
