"""The time that `$stats` is about: the last `duration` hours, or a `period`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from service.clock import to_text
from service.records.context import Context
from service.rest.exchange import Pairs
from service.rest.operations import arguments
from service.rest.operations.arguments import Arguments

_HOUR = 3_600_000_000
_MOST_HOURS = 24 * 366 * 200


@dataclass(frozen=True, slots=True)
class Asked:
    """The time as a Period, and as conditions of a search of Observations. Both empty: any time."""

    stated: Mapping[str, str]
    pairs: Pairs


def read(ctx: Context, given: Arguments) -> Asked:
    """The time in the inputs. BadRequest when there are two of them, or none that can be read."""
    if not given.has("duration"):
        return _asked(ctx, _period(given))
    if given.has("period"):
        raise arguments.refused("period", "$stats takes a duration or a period. Leave out one of them.", "invalid")
    hours = given.decimal("duration")
    if hours is None or hours > _MOST_HOURS:
        raise arguments.refused("duration", f"'duration' takes at most {_MOST_HOURS} hours.")
    now = ctx.service.clock()
    return _asked(ctx, {"start": to_text(now - int(hours * _HOUR)), "end": to_text(now)})


def _period(given: Arguments) -> dict[str, str]:
    """The Period, from a tree or from `start/end`; an end may be left out."""
    period: dict[str, Any] = {}
    for name, value in given.pairs:
        if name == "period" and isinstance(value, str):
            start, slash, end = value.partition("/")
            if not slash or not (start or end):
                raise arguments.refused("period", f"'period' takes two dates with a slash between them, not {value[:40]!r}.")
            period = {"start": start, "end": end}
        elif name == "period" and isinstance(value, Mapping):
            period = {part: value[part] for part in ("start", "end") if part in value}
    return {part: text.replace(" ", "+") for part, text in period.items() if text}


def _asked(ctx: Context, period: Mapping[str, str]) -> Asked:
    zone = ctx.service.settings.zone
    limits = {part: arguments.interval("period", text, zone) for part, text in period.items()}
    if "start" in limits and "end" in limits and limits["start"].lo > limits["end"].hi:
        raise arguments.refused("period", "The period ends before it begins. Give its dates the other way round.")
    prefixes = {"start": "ge", "end": "le"}
    return Asked(period, tuple(("date", prefixes[part] + text) for part, text in period.items()))
