"""The examples of the clinic's profiles, for the pages of these: the files that came with the service, as they are written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from service.fhir import guide
from service.paths import resource_path

_PLACE = "fhir_profiles/examples/valid"
_PROFILES = f"{guide.BASE}/StructureDefinition/"


@dataclass(frozen=True, slots=True)
class Example:
    """A resource that meets a profile: what it is called, and its JSON."""

    name: str
    text: str


def of(url: str) -> list[Example]:
    """The examples of the profile with that canonical URL, by name; none when it is not one of the clinic's."""
    files = _files().get(url.removeprefix(_PROFILES), ()) if url.startswith(_PROFILES) else ()
    return [Example(_name(path), path.read_text(encoding="utf-8").strip()) for path in files]


def _name(path: Path) -> str:
    return path.stem.partition("--")[2]


@lru_cache(maxsize=1)
def _files() -> Mapping[str, Sequence[Path]]:
    """The files by the id of their profile: `PROFILE--NAME.json`."""
    found: dict[str, list[Path]] = {}
    for path in sorted(resource_path(_PLACE).glob("*--*.json")):
        found.setdefault(path.stem.partition("--")[0], []).append(path)
    return found
