"""Which of a patient's consents covered a visit. A Consent does not name visits, so time decides.

Those whose period reaches into the visit; of those without a period, the ones given from a day before the visit until its end. When
there is none of either, the last one that was given before it.
"""

from collections.abc import Mapping
from datetime import tzinfo
from typing import Any

from service.fhir import temporal
from service.fhir.temporal import DAY, Interval
from service.search.main_date import MISSING


def covering(consents: Mapping[int, Any], lo: int, hi: int, zone: tzinfo) -> set[int]:
    """The keys of those of `consents` (trees) that covered the time from `lo` to `hi`; of an unknown time the last one given."""
    periods = {key: _period(tree, zone) for key, tree in consents.items()}
    given = {key: _given(consents[key], zone) for key, period in periods.items() if period is None}
    found = {key for key, period in periods.items() if period and period.lo <= hi and period.hi >= lo and lo != MISSING}
    found |= {key for key, instant in given.items() if instant is not None and lo - DAY <= instant <= hi and lo != MISSING}
    earlier = {key: instant for key, instant in given.items() if instant is not None and (lo == MISSING or instant <= hi)}
    if found or not earlier:
        return found
    return {max(earlier, key=lambda key: (earlier[key], key))}


def _period(tree: Any, zone: tzinfo) -> Interval | None:
    return temporal.period(tree.get("provision", {}).get("period", {}), zone)


def _given(tree: Any, zone: tzinfo) -> int | None:
    return temporal.interval(tree["dateTime"], zone).lo if "dateTime" in tree else None
