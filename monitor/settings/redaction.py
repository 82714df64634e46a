"""Settings and addresses without the secrets in them, for everything that is shown or kept."""

from __future__ import annotations

import json
import re
from urllib.parse import urlsplit

from pydantic import BaseModel

STARS = "***"
_USER_AND_PASSWORD = re.compile(r"(?P<before>\b[A-Za-z][\w+.-]*://[^\s/@:]*:)(?:[^\s/]*|[^\s@]*)(?=@)")
_KEY_IN_QUERY = re.compile(
    r"(?P<before>[?&](?:\w*(?:password|passwd|pwd|passphrase|token|secret|signature|apikey|api_key))=)[^&\s#\"']+",
    re.IGNORECASE,
)
_NAME_OF_SECRET = re.compile(r"password|passwd|passphrase|pwd|token|secret|key|credential", re.IGNORECASE)
"""What is called so in the options of a plugin, whose settings we do not know, may be one."""
_REFERENCE = {"file", "credential"}
"""What a `Secret` holds."""


def without_passwords(text: str) -> str:
    """`text` with stars for what stands as a password in an address: `rtsp://USER:***@HOST`, `?token=***`."""
    return _KEY_IN_QUERY.sub(rf"\g<before>{STARS}", _USER_AND_PASSWORD.sub(rf"\g<before>{STARS}", text))


def settings_snapshot(settings: BaseModel) -> str:
    """The settings as JSON for the run's row, the audit trail and the screen: see `without_secrets`."""
    plain = without_secrets(settings.model_dump(mode="json"))
    return json.dumps(plain, ensure_ascii=False, separators=(",", ":"))


def without_secrets(tree: object) -> object:
    """The settings' tree with stars for passwords in addresses, for the strings and numbers under `options` whose key
    speaks of a secret, and for all that follows the host in the `url` of a webhook. References to secrets stay."""
    if isinstance(tree, str):
        return without_passwords(tree)
    if isinstance(tree, list):
        return [without_secrets(item) for item in tree]
    if not isinstance(tree, dict):
        return tree
    plain = {key: _options(item) if key == "options" else without_secrets(item) for key, item in tree.items()}
    options = plain.get("options")
    if tree.get("kind") == "webhook" and isinstance(options, dict) and isinstance(options.get("url"), str):
        plain["options"] = options | {"url": _host_alone(options["url"])}
    return plain


def _options(value: object, *, secret: bool = False) -> object:
    if isinstance(value, dict):
        if value and value.keys() <= _REFERENCE:
            return value
        return {
            key: _options(item, secret=secret or _NAME_OF_SECRET.search(str(key)) is not None)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_options(item, secret=secret) for item in value]
    if secret and value is not None and not isinstance(value, bool):
        return STARS
    return without_passwords(value) if isinstance(value, str) else value


def _host_alone(url: str) -> str:
    parts = urlsplit(url)
    host = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    return host if url in (host, f"{host}/") else f"{host}/{STARS}"
