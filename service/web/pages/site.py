"""Where the pages are: links that stay on this origin, and instants as the clinic reads them. And who looks at them.

Links are relative to the origin and built from the `BASE_URL` setting alone, so a page never links by the Host header
and never leaves the origin that it was opened on.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from service.config import Settings

if TYPE_CHECKING:
    from service.web.pages.visitor import Visitor

_ID = r"[A-Za-z0-9\-.]{1,64}"
_RELATIVE = re.compile(rf"[A-Z][A-Za-z]{{1,63}}/{_ID}(?:/_history/{_ID})?")
_SEGMENTS = re.compile(r"(?:/(?:[A-Za-z0-9_$\-.]+|\*))*/?")


@dataclass(frozen=True, slots=True)
class Site:
    """The absolute FHIR base (`base_url`, no slash at the end), the time zone of the clinic, and who is signed in, if somebody is."""

    base_url: str
    zone: ZoneInfo
    visitor: "Visitor | None" = None

    @classmethod
    def of(cls, settings: Settings, visitor: "Visitor | None" = None) -> Self:
        """The site that `settings` describe, for `visitor`."""
        return cls(settings.base_url, settings.zone, visitor)

    @property
    def base(self) -> str:
        """The path of the FHIR base on this origin: `/fhir`."""
        return urlsplit(self.base_url).path.rstrip("/")

    @property
    def root(self) -> str:
        """The path that the service itself is mounted on: empty unless a proxy serves it below a prefix."""
        return self.base.rpartition("/")[0]

    def own(self, url: str) -> str | None:
        """The link to an absolute `url` of the own base (a canonical's `|version` is dropped); None for any other URL."""
        if not url.startswith(self.base_url):
            return None
        address, mark, query = url[len(self.base_url) :].partition("?")
        address = address if mark else address.partition("|")[0]
        if not _SEGMENTS.fullmatch(address) or not (self.base + address):
            return None
        return self.base + address + mark + query

    def reference(self, value: str) -> str | None:
        """The link to what a literal reference names: `Type/id`, `Type/id/_history/n` or an absolute URL of the own base."""
        if _RELATIVE.fullmatch(value):
            return f"{self.base}/{value}"
        return self.own(value)

    def local_time(self, instant: str) -> str:
        """A FHIR dateTime as the clinic's wall clock shows it; dates without a time, and what cannot be read, unchanged."""
        moment = moment_of(instant)
        if moment is None:
            return instant
        try:
            return f"{moment.astimezone(self.zone):%Y-%m-%d %H:%M:%S %Z}"
        except OverflowError:
            return instant


def moment_of(instant: str) -> datetime | None:
    """A FHIR dateTime or instant that has a time and an offset as an aware datetime; None for every other text."""
    try:
        moment = datetime.fromisoformat(instant)
    except ValueError:
        return None
    return None if moment.tzinfo is None else moment


def universal_time(instant: str) -> str:
    """A FHIR instant in UTC, to the millisecond that it was recorded with; what cannot be read, unchanged."""
    moment = moment_of(instant)
    if moment is None:
        return instant
    try:
        return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}.{moment.microsecond // 1000:03d} UTC"
    except OverflowError:
        return instant
