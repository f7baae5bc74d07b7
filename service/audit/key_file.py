"""The file in which the private key of the log is kept, as one line that only its owner may read."""

import os
from pathlib import Path

from service.audit.checkpoint import Signer


def create(path: Path, name: str) -> Signer:
    """A new key for the log `name`, kept in a new file. Raises FileExistsError rather than lose a key, NoteRefused for a bad name."""
    signer = Signer.new(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(f"{signer.secret}\n")
        file.flush()
        os.fsync(file.fileno())
    return signer


def obtain(path: Path, name: str) -> Signer:
    """The key in a file, or a new one for the log `name`. Raises NoteRefused for a file with something else in it."""
    return Signer.parse(path.read_text().strip()) if path.exists() else create(path, name)
