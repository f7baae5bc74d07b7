"""`Observation/$stats`: statistics of a subject's measurements (https://hl7.org/fhir/R4/observation-operation-stats.html).

One Observation for each code, with a component for each statistic. Units are converted exactly, to `unit` or to that of the newest
measurement; one that cannot be converted is refused by name. What is entered in error or cancelled is not counted. Beyond R4:
`encounter` restricts to a visit, `unit` names the unit, `period` may be two dates with a slash between them.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from service.clock import to_text
from service.fhir import reference, units
from service.fhir.document import encode, object_text, quoted
from service.fhir.temporal import BEGINNING, END
from service.records import measurements
from service.records.context import Context
from service.records.measurements import Code, Question, Series, Unit
from service.records.statistic import DISPLAYS, REGRESSION, STATISTICS, TOTAL, Line, regression
from service.rest.exchange import Call, FhirResponse
from service.rest.operations import arguments, stats_period
from service.rest.operations.arguments import Arguments
from service.rest.operations.operation import CLINIC, TYPE, Operation, Parameter
from service.search.types.escapes import escaped

SYSTEM = "http://terminology.hl7.org/CodeSystem/observation-statistics"
_ABSENT = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
_MOST_CODES = 50
_MOST_SOURCES = 1000
_MORE_DIGITS = 6
"""Digits that a result may have beyond those of the values, where it is no exact decimal of fewer."""
_HOUR = 3_600_000_000

Tree = dict[str, Any]


def run(ctx: Context, _: Call, given: Arguments) -> FhirResponse:
    """Answers with Parameters: `statistics` for each code, and with `include` the `source` Observations."""
    wanted = _statistics(given)
    unit = _unit(given)
    period = stats_period.read(ctx, given)
    subject = _subject(ctx, given)
    pairs = [("subject", escaped(subject)), *[("encounter", escaped(one)) for one in given.texts("encounter")], *period.pairs]
    found, sources = measurements.series(ctx, Question(tuple(pairs), _codes(given)))
    for one in sources:
        ctx.trail.saw(one.type, one.text)
    observations = [encode(_observation(one, wanted, unit, subject, period)) for one in found]
    limit = given.whole("limit", _MOST_SOURCES) if given.flag("include") else 0
    kept = sources[: _MOST_SOURCES if limit is None else limit]
    returned = [("statistics", text) for text in observations] + [("source", one.text) for one in kept]
    parameters = ",".join(object_text({"name": quoted(name), "resource": text}) for name, text in returned)
    return FhirResponse(200, f'{{"resourceType":"Parameters","parameter":[{parameters}]}}')


def _subject(ctx: Context, given: Arguments) -> str:
    """`Type/id` of the subject."""
    text = given.text("subject") or ""
    literal = reference.parse(text)
    if literal is None or not literal.is_local(ctx.service.settings.base_url):
        raise arguments.refused("subject", f"'subject' is a resource here, as in Patient/123, not {text[:60]!r}.")
    return f"{literal.type}/{literal.id}"


def _statistics(given: Arguments) -> list[str]:
    wanted = list(dict.fromkeys(given.listed("statistic")))
    for code in wanted:
        if code not in DISPLAYS:
            raise arguments.refused("statistic", f"There is no statistic {code[:40]!r}. There are: {', '.join(DISPLAYS)}.")
    return wanted


def _unit(given: Arguments) -> str | None:
    unit = given.text("unit")
    try:
        if unit is not None:
            units.unit(unit)
    except units.UnknownUnit as error:
        raise arguments.refused("unit", f"{error}.") from None
    return unit


def _codes(given: Arguments) -> tuple[Code, ...]:
    """What is measured, from `code` with or without `system`, from `system|code`, or from codings."""
    system = given.text("system")
    codes: list[Code] = []
    for text in given.listed("code"):
        before, bar, after = text.rpartition("|")
        if bar and system is not None:
            raise arguments.refused("code", "With 'system' a code stands alone. Leave out one of the two systems.")
        codes.append((before if bar else system, after))
    for coding in given.trees("coding"):
        if not isinstance(coding.get("code"), str):
            raise arguments.refused("coding", "A coding needs a code.")
        codes.append((coding.get("system", ""), coding["code"]))
    if not codes:
        raise arguments.refused("code", "$stats needs to know what is measured. Give code and system, or coding.", "required")
    if len(codes) > _MOST_CODES:
        raise arguments.refused("code", f"$stats takes at most {_MOST_CODES} codes at once.", "too-costly")
    return tuple(dict.fromkeys(codes))


def _observation(series: Series, wanted: Sequence[str], asked: str | None, subject: str, period: stats_period.Asked) -> Tree:
    unit, points = series.in_unit(asked)
    digits = max((_places(one.value) for one in series.measurements), default=0)
    components = [one for code in wanted for one in _components(code, series, unit, points, digits)]
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": series.concept,
        "subject": {"reference": subject},
        **_effective(period, [at for at, _ in points if at is not None]),
        "component": components,
    }


def _effective(period: stats_period.Asked, instants: Sequence[int]) -> Tree:
    """The period that was asked for; without one, from the first measurement to the last."""
    if period.stated:
        return {"effectivePeriod": period.stated}
    known = [at for at in instants if BEGINNING < at < END]
    return {"effectivePeriod": {"start": to_text(min(known)), "end": to_text(max(known))}} if known else {}


def _components(code: str, series: Series, unit: Unit, points: Sequence[tuple[int | None, Fraction]], digits: int) -> Iterator[Tree]:
    if code == TOTAL:
        yield _component(code, Fraction(series.total), Unit("1", units.UCUM, "1"), 0)
    elif code == REGRESSION:
        yield from _line(_fitted(points), unit, digits)
    else:
        statistic = STATISTICS[code]
        yield _component(
            code, statistic.of(sorted(value for _, value in points)), _power(unit, statistic.power), digits if statistic.power else 0
        )


def _fitted(points: Sequence[tuple[int | None, Fraction]]) -> Line | None:
    timed = [(at, value) for at, value in points if at is not None]
    first = min((at for at, _ in timed), default=0)
    return regression([(Fraction(at - first, _HOUR), value) for at, value in timed])


def _line(line: Line | None, unit: Unit, digits: int) -> Iterator[Tree]:
    per_hour = Unit(f"{unit.text or unit.code or '1'}/h", unit.system, f"{unit.code}/h" if unit.code else "")
    yield _component(REGRESSION, line.gradient if line else None, per_hour, digits, "gradient")
    yield _component(REGRESSION, line.intercept if line else None, unit, digits, "intercept, at the first measurement")


def _component(code: str, value: Fraction | None, unit: Unit, digits: int, text: str | None = None) -> Tree:
    concept = {"coding": [{"system": SYSTEM, "code": code, "display": DISPLAYS[code]}], **({"text": text} if text else {})}
    if value is None:
        return {"code": concept, "dataAbsentReason": {"coding": [{"system": _ABSENT, "code": "unknown"}], "text": "too few measurements"}}
    quantity: Tree = {"value": _printed(value, digits)}
    quantity |= {"unit": unit.text} if unit.text else {}
    quantity |= {"system": unit.system} if unit.system else {}
    quantity |= {"code": unit.code} if unit.code and unit.system else {}
    return {"code": concept, "valueQuantity": quantity}


def _power(unit: Unit, power: int) -> Unit:
    """The unit of a result: none for a ratio, the unit of the values, or its square."""
    if power == 0:
        return Unit("1", units.UCUM, "1")
    if power == 1:
        return unit
    text = unit.text or unit.code
    shifted = units.canonical(unit.code) if unit.system == units.UCUM else None
    has_code = unit.code and not (shifted and shifted.zero)
    return Unit(f"({text})²" if text else "", unit.system if has_code else "", f"({unit.code}).({unit.code})" if has_code else "")


def _printed(value: Fraction, digits: int) -> Decimal:
    """The decimal, exact where it needs at most `_MORE_DIGITS` digits more than the values had."""
    scaled = round(value * 10 ** (digits + _MORE_DIGITS))
    exact = Decimal(scaled).scaleb(-(digits + _MORE_DIGITS))
    shortest = Decimal(format(exact.normalize(), "f"))
    return shortest if _places(shortest) >= digits else exact.quantize(Decimal(1).scaleb(-digits))


def _places(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    return max(-exponent, 0) if isinstance(exponent, int) else 0


OPERATION = Operation(
    code="stats",
    levels=frozenset({TYPE}),
    types=frozenset({"Observation"}),
    changes_state=False,
    definition=CLINIC + "Observation-stats",
    documentation="Statistics of a subject's measurements of one or more codes, in components too, with units converted.",
    parameters=(
        Parameter("subject", "uri", required=True),
        Parameter("code", "string", many=True),
        Parameter("system", "uri"),
        Parameter("coding", "Coding", many=True),
        Parameter("duration", "decimal"),
        Parameter("period", "Period"),
        Parameter("statistic", "code", many=True, required=True),
        Parameter("include", "boolean"),
        Parameter("limit", "positiveInt"),
        Parameter("encounter", "string"),
        Parameter("unit", "code"),
    ),
    run=run,
    letter="s",
)
