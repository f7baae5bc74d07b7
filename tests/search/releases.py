"""Versions of the service on one database: what a release that defines other search parameters would be."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from service.errors import BadRequest
from service.paths import resource_path
from service.records.commit import commit
from service.records.context import Context, Service
from service.records.find import find
from service.records.write import Committed
from service.search import adoption
from service.search.parameter import Registry
from service.search.registries import Registries
from service.search.reindex import reindex
from tests.access import TESTS
from tests.records.samples import create

Tree = dict[str, Any]
BASE = "https://vendor.example/fhir/SearchParameter/"


def search_parameter(type: str, code: str, expression: str, kind: str = "token", **members: Any) -> Tree:
    """A SearchParameter resource."""
    return {
        "resourceType": "SearchParameter",
        "url": f"{BASE}{type}-{code}",
        "name": f"{type}{code}".replace("-", ""),
        "status": "active",
        "description": "Made for a test.",
        "code": code,
        "base": [type],
        "type": kind,
        "expression": expression,
        **members,
    }


@dataclass
class Release:
    """One running process."""

    ctx: Context

    @property
    def registries(self) -> Registries:
        """Its view of what is indexed."""
        return self.ctx.service.registries

    def create(self, *trees: Tree) -> list[Committed]:
        """Write."""
        return commit(self.ctx, [create(tree) for tree in trees])

    def found(self, type: str, *pairs: tuple[str, str]) -> list[str]:
        """The ids that a search answers, sorted."""
        self.registries.expire()
        return self.found_unaware(type, *pairs)

    def found_unaware(self, type: str, *pairs: tuple[str, str]) -> list[str]:
        """The same by a process that need not look at the database again yet."""
        _, page = find(self.ctx, type, [*pairs, ("_count", "1000")], lenient=False)
        return sorted(one.id for one in page.matches)

    def count(self, type: str, *pairs: tuple[str, str]) -> int:
        """How many a search finds, by a process that need not look at the database again yet."""
        _, page = find(self.ctx, type, [*pairs, ("_count", "0")], lenient=False)
        assert page.total is not None
        return page.total

    def refused(self, type: str, *pairs: tuple[str, str]) -> str:
        """Why a search is refused."""
        try:
            self.found(type, *pairs)
        except BadRequest as error:
            return str(error)
        raise AssertionError(f"{type}?{pairs} was answered")

    def reindex(self, *types: str) -> list[str]:
        """What `infusion-records reindex` does; the types that waited for it."""
        waiting = adoption.prepare(self.registries)
        for type in types or waiting:
            list(reindex(self.registries, type))
        adoption.drop(self.registries)
        return waiting


Releases = Callable[..., Release]
_defined: dict[tuple[str, str], Registry] = {}


def released(service: Service, folder: Path, parameters: Sequence[Tree], time_zone: str = "UTC") -> Release:
    """A process of a release that defines `parameters` too, on the database of `service`."""
    key = (json.dumps(parameters), time_zone)
    if key not in _defined:
        _defined[key] = _read(service, folder, parameters, time_zone)
    registries = Registries(service.database, _defined[key], grace_seconds=0)
    registries.start()
    return Release(Context(replace(service, registries=registries, settings=replace(service.settings, time_zone=time_zone)), TESTS))


def _read(service: Service, folder: Path, parameters: Sequence[Tree], time_zone: str) -> Registry:
    (folder / "clinic").mkdir(parents=True)
    (folder / "r4").symlink_to(resource_path("fhir_profiles") / "r4")
    for path in (resource_path("fhir_profiles") / "clinic").glob("*.json"):
        (folder / "clinic" / path.name).symlink_to(path)
    for number, one in enumerate(parameters):
        (folder / "clinic" / f"zz-{number}.json").write_text(json.dumps(one))
    return Registry(service.definitions, service.settings.base_url, time_zone, folder)
