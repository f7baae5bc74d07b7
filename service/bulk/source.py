"""A file to import: NDJSON with one resource a line, or one JSON document over the whole file.

NDJSON is http://ndjson.org as bulk data uses it (https://hl7.org/fhir/R4/nd-json.html): empty lines are allowed and skipped.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from service.storage.imports import Place

_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Line:
    """A line as bytes, where it starts and what the place after it is; `raw` None when it is longer than allowed."""

    place: Place
    end: Place
    raw: bytes | None


@dataclass(frozen=True, slots=True)
class Source:
    """A file by path, with the hash of its content as its lasting name. `whole`: the file is one document."""

    path: Path
    hash: str
    size: int
    whole: bool

    def lines(self, after: Place, most_bytes: int) -> Iterator[Line]:
        """The non-empty lines behind `after`, or the whole file as line 1. No line of more than `most_bytes` is read into memory."""
        with self.path.open("rb") as file:
            file.seek(after.position)
            number, position = after.line, after.position
            while raw := file.read(most_bytes + 1) if self.whole else file.readline(most_bytes + 1):
                start = Place(number + 1, position)
                too_long = len(raw) > most_bytes
                while too_long and (self.whole or not raw.endswith(b"\n")) and (raw := file.readline(_BLOCK)):
                    pass
                number, position = number + 1, file.tell()
                if too_long or raw.strip():
                    yield Line(start, Place(number, position), None if too_long else raw)

    def line_at(self, place: Place, most_bytes: int) -> Line:
        """One line again."""
        before = Place(place.line - 1, place.position)
        return next(self.lines(before, most_bytes))


def opened(path: Path) -> Source:
    """Reads the file once to learn its hash and its kind. Raises OSError."""
    digest = blake2b(digest_size=16)
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return Source(path, digest.hexdigest(), path.stat().st_size, _is_whole(path))


def _is_whole(path: Path) -> bool:
    """A first line that is no JSON of its own belongs to a document that spans lines."""
    with path.open("rb") as file:
        first = b""
        while not first.strip():
            first = file.readline()
            if not first:
                return False
    try:
        json.loads(first)
    except ValueError:
        return first.strip() in (b"{", b"[") or not _second_is_json(path)
    return False


def _second_is_json(path: Path) -> bool:
    """Whether the second line stands alone although the first does not: NDJSON with a damaged first line."""
    with path.open("rb") as file:
        file.readline()
        try:
            json.loads(file.readline())
        except ValueError:
            return False
    return True
