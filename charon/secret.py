"""The generated SECRET_KEY that all processes of an installation share when the operator sets none."""

import os
import secrets
from pathlib import Path


def shared_key(folder: Path) -> str:
    """Read `secret_key` in the data folder; create it once (mode 0600) when it is missing.

    With a random key per process, the queue would drop every task that another process signed. The file appears whole
    or not at all: it is written under another name and linked, and a process that loses the race reads the winner's.
    """
    path = folder / "secret_key"
    if not path.exists():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = folder / f".secret_key.{os.getpid()}.{secrets.token_hex(4)}"
        descriptor = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(64))
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text().strip()
