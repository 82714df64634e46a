"""Addresses without the passwords in them, for everything that is shown or kept."""

from __future__ import annotations

import json
import re

from pydantic import BaseModel

STARS = "***"
_USER_AND_PASSWORD = re.compile(r"(?P<before>\b[A-Za-z][\w+.-]*://[^\s/@:]*:)(?:[^\s/]*|[^\s@]*)(?=@)")
_KEY_IN_QUERY = re.compile(
    r"(?P<before>[?&](?:\w*(?:password|passwd|pwd|passphrase|token|secret|signature|apikey|api_key))=)[^&\s#\"']+",
    re.IGNORECASE,
)


def without_passwords(text: str) -> str:
    """`text` with stars for what stands as a password in an address: `rtsp://USER:***@HOST`, `?token=***`."""
    return _KEY_IN_QUERY.sub(rf"\g<before>{STARS}", _USER_AND_PASSWORD.sub(rf"\g<before>{STARS}", text))


def settings_snapshot(settings: BaseModel) -> str:
    """The settings as JSON for the run's row, the audit trail and the screen: references to secrets, and addresses
    without passwords."""
    return json.dumps(_plain(settings.model_dump(mode="json")), ensure_ascii=False, separators=(",", ":"))


def _plain(value: object) -> object:
    if isinstance(value, str):
        return without_passwords(value)
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value
