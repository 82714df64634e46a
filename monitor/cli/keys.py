"""`keys`: a pair of keys for a stream over TCP."""

from __future__ import annotations

import os
from pathlib import Path

import click


@click.command(epilog="Example: crystal-monitor keys grabber --out /etc/crystal-monitor/secrets")
@click.argument("name")
@click.option(
    "--out",
    "folder",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for both files; it is made, for this user alone, if it is missing.",
)
def keys(name: str, folder: Path) -> None:
    """Make a pair of CURVE keys: FOLDER/NAME.key (secret, mode 0600) and FOLDER/NAME.pub (40 characters, public).

    The grabber and every analysis have a pair each. The secret stays on its machine; the public key goes to the other.
    No file is ever overwritten. A secret in /etc/crystal-monitor/secrets, root's alone, is handed to its unit by
    `crystal-monitor install`.
    """
    import re

    from monitor.errors import UserError
    from monitor.settings.system_station import SECRETS_FOLDER
    from monitor.wire import make_key_pair

    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}", name):
        raise UserError(f"the name {name!r} cannot be a file's: use up to 64 letters, digits, _, . and -")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    public, secret = make_key_pair()
    secret_path, public_path = folder / f"{name}.key", folder / f"{name}.pub"
    _write_new(secret_path, secret, 0o600)
    try:
        _write_new(public_path, public, 0o644)
    except UserError:
        secret_path.unlink()
        raise
    kept = folder.resolve() == SECRETS_FOLDER
    secret_place = f'credential = "{secret_path.name}"' if kept else f'file = "{secret_path.resolve()}"'
    click.echo(
        f"secret key: {secret_path} (stays on its machine)\npublic key: {public_path}\n\n"
        "If it is the grabber's pair, [stream.keys] has\n"
        f"  on its own machine: grabber_secret = {{ {secret_place} }}\n"
        f'  at every analysis:  grabber_public = "{public}"\n\n'
        "If it is an analysis' pair, [stream.keys] has\n"
        f"  on its own machine: listener_secret = {{ {secret_place} }}\n"
        f'  at the grabber:     listeners = ["{public}"]'
    )


def _write_new(path: Path, text: str, mode: int) -> None:
    from monitor.errors import UserError

    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    except FileExistsError:
        raise UserError(
            f"{path} is there already, and keys are never overwritten: choose another name"
        ) from None
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        os.fchmod(file.fileno(), mode)  # whatever the umask
        file.write(f"{text}\n")
        file.flush()
        os.fsync(file.fileno())
