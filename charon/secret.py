"""The key that all processes of one installation share when the operator gave none."""

import os
import secrets
from pathlib import Path


def shared_key(folder: Path) -> str:
    """Read `secret_key` in the data folder; make it once (0600) when it is missing.

    A random key per process would make the queue drop every task that another process signed. The file appears
    whole or not at all: it is written beside its place and linked there, and the loser of a race reads the winner's.
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
