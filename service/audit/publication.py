"""The file to which every checkpoint is appended: notes with an empty line between them, as `audit verify --trusted-checkpoint` reads them.

It should lie where the administrator of the database cannot change it: on another host, or on storage that is written once.
"""

import os
from collections.abc import Iterable
from pathlib import Path

_TAIL_BYTES = 16_384
_SIGNATURE = "— ".encode()


class Publication:
    """Such a file, which need not be there yet."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def newest(self) -> str | None:
        """The last note; None in an empty file. What broke off while it was written is cut away."""
        if not self.path.exists():
            return None
        with self.path.open("r+b") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _TAIL_BYTES))
            tail = file.read()
            whole = _whole(tail)
            if len(whole) != len(tail):
                file.truncate(size - len(tail) + len(whole))
        return "\n\n".join(whole.decode(errors="replace").split("\n\n")[-2:]) if whole else None

    def append(self, notes: Iterable[str]) -> None:
        """Add notes, and come back when they are on the disk."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("ab") as file:
            for note in notes:
                file.write((f"\n{note}" if file.tell() else note).encode())
            file.flush()
            os.fsync(file.fileno())


def _whole(tail: bytes) -> bytes:
    """The bytes up to the end of the last line that is a signature."""
    lines = tail.splitlines(keepends=True)
    while lines and not (lines[-1].startswith(_SIGNATURE) and lines[-1].endswith(b"\n")):
        lines.pop()
    return b"".join(lines)
