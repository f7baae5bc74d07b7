"""Which site a safe is of: the nearest of the Locations around it that is a site, else the outermost."""

from collections.abc import Collection

from service.ledger import reading
from service.records.register.sheets import Sheets

_DEEPEST = 20
_SITE = "si"
"""Of https://terminology.hl7.org/CodeSystem-location-physical-type.html."""


def sites_of(sheets: Sheets, places: Collection[str]) -> dict[str, str]:
    """The id of the site of each Location: itself, when it is part of none."""
    found = {one: one for one in places}
    for _ in range(_DEEPEST):
        sheets.load(f"Location/{one}" for one in found.values() if one)
        above = {one: _whole(sheets, top) for one, top in found.items()}
        if above == found:
            break
        found = above
    return found


def _whole(sheets: Sheets, place: str) -> str:
    """What a Location is part of; itself, when it is a site or part of none."""
    tree = (sheets.get(f"Location/{place}") if place else None) or {}
    if any(coding.get("code") == _SITE for coding in tree.get("physicalType", {}).get("coding", ())):
        return place
    named = reading.target(tree.get("partOf")) or ""
    return named.removeprefix("Location/") if named.startswith("Location/") else place
