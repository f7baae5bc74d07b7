"""The files of one export: written in a directory of their own, summed as they are written, and put in their place at once.

Nobody but the account of the service may read them. A directory has the id of its export for a name only once it is complete and signed;
until then it ends with `.part`, and whoever finds one that nobody works on removes it.
"""

import hashlib
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from service.audit import verify_register
from service.audit.checkpoint import Signer

PART = ".part"
_DIRECTORY, _FILE, _FLAGS = 0o700, 0o600, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
_OTHERS_WRITE = 0o002
_PIECE = 1 << 20
_OURS = re.compile(rf"[0-9a-f]{{8}}(?:-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}(?:{re.escape(PART)})?")

Summed = tuple[str, int, str]
"""A file: its path below the directory, its size in bytes, its SHA-256."""


class Unwritable(Exception):
    """The directory of exports cannot be written to; the message says what to do."""


@dataclass(slots=True)
class Folder:
    """An export in the making."""

    path: Path
    files: dict[str, Summed] = field(default_factory=dict)

    def lines(self, name: str, lines: Iterable[str]) -> int:
        """Write a file of lines; how many they were."""
        count = 0

        def pieces() -> Iterator[bytes]:
            nonlocal count
            for line in lines:
                count += 1
                yield f"{line}\n".encode(errors="surrogatepass")

        self.write(name, pieces())
        return count

    def write(self, name: str, pieces: Iterable[bytes]) -> None:
        """Write a file. Raises OSError when the disk does not take it."""
        place = self.path / name
        if place.parent != self.path:
            place.parent.mkdir(mode=_DIRECTORY, exist_ok=True)
        size, digest = 0, hashlib.sha256()
        with os.fdopen(os.open(place, _FLAGS, _FILE), "wb", _PIECE) as file:
            for piece in pieces:
                file.write(piece)
                digest.update(piece)
                size += len(piece)
            file.flush()
            os.fsync(file.fileno())
        self.files[name] = (name, size, digest.hexdigest())

    def sign(self, said: Iterable[tuple[str, str]], signer: Signer) -> str:
        """Write the manifest, over every file that was written: its SHA-256. `said` is (name, text) of what it says besides."""
        header = [verify_register.FORMAT, *(f"{name}: {text}" for name, text in said)]
        listed = [f"{digest} {size} {name}" for name, size, digest in sorted(self.files.values())]
        note = signer.sign("".join(f"{line}\n" for line in (*header, *listed)))
        self.write(verify_register.MANIFEST, [note.encode()])
        return self.files[verify_register.MANIFEST][2]

    def publish(self, place: Path) -> None:
        """Put the directory in its place, whole."""
        for one in (*(path for path in self.path.iterdir() if path.is_dir()), self.path):
            _sync(one)
        self.path.rename(place)
        _sync(place.parent)


def opened(root: Path, name: str) -> Folder:
    """An empty directory for the export `name`. Raises Unwritable for a root that everybody may write to, OSError for one that is none."""
    root.mkdir(mode=_DIRECTORY, parents=True, exist_ok=True)
    if root.stat().st_mode & _OTHERS_WRITE:
        raise Unwritable("Everybody on the machine may write to the directory of exports. Give it to the account of the service alone.")
    for left in (root / f"{name}{PART}", root / name):
        remove(left)
    return new(root / f"{name}{PART}")


def new(path: Path) -> Folder:
    """A directory that is made. Raises OSError, as for one that is there."""
    path.mkdir(mode=_DIRECTORY)
    return Folder(path)


def remove(path: Path) -> None:
    """Remove a directory with what is in it, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)


def names(root: Path) -> list[str]:
    """The names of the directories that are exports, or were to become some: nothing else that lies there is ours."""
    return sorted(path.name for path in root.iterdir() if _OURS.fullmatch(path.name) and path.is_dir()) if root.is_dir() else []


def _sync(path: Path) -> None:
    held = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(held)
    finally:
        os.close(held)
