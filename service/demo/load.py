"""Puts the demonstration clinic into an empty database, through the same transactions that a client would post."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from service.demo import clinic
from service.fhir.document import Limits, decode, encode
from service.records.context import Context
from service.records.find import find
from service.rest.dispatch import dispatch
from service.rest.exchange import FHIR_JSON, FhirRequest

_MARKERS = ("Encounter", "List")
_HEADERS = {"content-type": FHIR_JSON, "prefer": "return=minimal"}


def load(ctx: Context, progress: Callable[[int, int], object] = lambda _done, _all: None, day: date = clinic.DEFAULT_DAY) -> int:
    """Post the Bundles of the clinic; answers how many went in. `progress` is told how many of how many are done.

    A database that holds patients of its own is left alone (0). One in which an earlier load stopped half-way gets the rest.
    Raises the ServiceError of a Bundle that is refused, which would be a fault of this package.
    """
    bundles = list(clinic.bundles(day=day))
    if not _is_there(ctx, bundles[0]) and _count(ctx, "Patient", ()):
        return 0
    loaded = 0
    for number, bundle in enumerate(bundles, start=1):
        if not _is_there(ctx, bundle):
            _post(ctx, bundle)
            loaded += 1
        progress(number, len(bundles))
    return loaded


def holds_others(ctx: Context) -> bool:
    """Whether the database holds patients that are not the clinic's."""
    return not _is_there(ctx, next(iter(clinic.bundles()))) and _count(ctx, "Patient", ()) > 0


def _post(ctx: Context, bundle: Mapping[str, Any]) -> None:
    settings = ctx.service.settings
    document = decode(encode(bundle).encode(), Limits(settings.json_depth, settings.number_digits))
    dispatch(ctx, FhirRequest("POST", (), headers=_HEADERS, document=document))


def _is_there(ctx: Context, bundle: Mapping[str, Any]) -> bool:
    """Whether the Bundle went in before. Master data says no: posting it again changes nothing. A correction is known by what it mends."""
    for entry in bundle["entry"]:
        resource, mends = entry["resource"], "ifMatch" in entry["request"]
        if mends or resource["resourceType"] in _MARKERS:
            known = resource["identifier"][0]
            asked = [("identifier", f"{known['system']}|{known['value']}"), *([("status", resource["status"])] if mends else [])]
            return _count(ctx, resource["resourceType"], tuple(asked)) > 0
    return False


def _count(ctx: Context, type: str, pairs: tuple[tuple[str, str], ...]) -> int:
    _, page = find(ctx, type, (*pairs, ("_count", "1")), lenient=False)
    return len(page.matches)
