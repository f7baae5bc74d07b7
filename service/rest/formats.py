"""The formats of reports beside JSON, and whether a request asks for one: by `_format`, or by what it accepts.

Only operations that report come in them. Everywhere else these words are as unknown as any other.
"""

from service.reports.writing import FORMATS
from service.rest import accept
from service.rest.exchange import FhirRequest
from service.rest.operations.table import REPORTS

_BY_MEDIA_TYPE = {one.media_type.partition(";")[0]: name for name, one in FORMATS.items()}


def is_report(asked: FhirRequest) -> bool:
    """Whether the request asks for a report."""
    return bool(asked.path) and asked.path[-1].removeprefix("$") in REPORTS


def wished(asked: FhirRequest) -> str:
    """`csv`, `xlsx` or `pdf` when the request asks for a report in that format; empty otherwise."""
    if not is_report(asked):
        return ""
    wishes = dict(asked.query)
    if "_format" in wishes:
        media = wishes["_format"].partition(";")[0].strip().lower()
        return media if media in FORMATS else _BY_MEDIA_TYPE.get(media, "")
    return _accepted(asked.headers.get("accept"))


def _accepted(header: str | None) -> str:
    """What it likes better than JSON and pages."""
    best = max(accept.quality(header, media) for media in (*accept.JSON, *accept.HTML))
    liked, name = max((accept.quality(header, media), name) for media, name in _BY_MEDIA_TYPE.items())
    return name if liked > best else ""
