"""The page of the register, `/register`: its lines with what they lead to, the filters, and the links to the same lines as files."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlencode

from service.ledger.entry import Entry
from service.records.register.lines import BALANCES, Leaf
from service.records.register.marks import MARKS
from service.records.register.report import NUMERIC, Report
from service.records.register.rows import Line
from service.web.pages import register_fields as fields
from service.web.pages.register_fields import Pairs
from service.web.pages.site import Site

PATH = "/register"
WORDS = {
    "late": "late entry",
    "amended": "amended",
    "unwitnessed": "no witness",
    "short": "short",
    "unreceived": "no receipt",
}
"""The marks of lines as people call them."""
Option = tuple[str, str, bool]


@dataclass(frozen=True, slots=True)
class Shown:
    """One line: the texts of its cells by column, the links of some of them, and its marks."""

    cells: Mapping[str, str]
    links: Mapping[str, str | None]
    marks: tuple[str, ...]


def parts(report: Report, leaf: Leaf, told: Pairs, site: Site) -> dict[str, Any]:
    """What the page shows of a leaf."""
    return {
        "report": report,
        "numeric": {column.name for column in report.columns if column.kind in NUMERIC},
        "rows": [_shown(line, texts, report, site) for line, texts in zip(leaf.lines, report.texts(), strict=True)],
        "totals": [dict(zip((one.name for one in report.columns), texts, strict=True)) for texts in report.total_texts()],
        "total": leaf.total,
        **form(told, site),
    }


def form(told: Pairs, site: Site) -> dict[str, Any]:
    """What the form shows of what was asked for."""
    given = dict(told)
    flags = {value for name, value in told if name == "flag"}
    return {
        "given": {name: given.get(name, "") for name in fields.FIELDS},
        "flags": [(mark, WORDS[mark], mark in flags) for mark in MARKS],
        "balances": chosen(((one, one) for one in BALANCES), given.get("balance", "")),
        "files": [(name.upper(), link(site, told, (fields.FORMAT, name))) for name in fields.FORMATS[1:]],
    }


def periods(told: Pairs, site: Site, today: date) -> list[tuple[str, str]]:
    """The links to the same question for the usual periods."""
    kept = [(name, value) for name, value in told if name not in ("from", "to")]
    return [("Everything", link(site, kept)), *((words, link(site, [*kept, *days])) for words, days in fields.periods(today))]


def chosen(options: Iterable[tuple[str, str]], value: str) -> list[Option]:
    """The options of a field, and which of them is chosen."""
    return [(code, words, code == value) for code, words in options]


def link(site: Site, told: Pairs, *more: tuple[str, str], path: str = "") -> str:
    """The link to a page of the register with these fields."""
    query = urlencode([*told, *more])
    return f"{site.root}{PATH}{path}{'?' + query if query else ''}"


def story_link(site: Site, entry: Entry) -> str:
    """The link to the story of a line."""
    return f"{site.root}{PATH}/lines/{entry.vial}/{entry.number}"


def _shown(line: Line, texts: tuple[str, ...], report: Report, site: Site) -> Shown:
    entry, vial = line.entry, line.vial
    people = {"patient": entry.patient, "performer": entry.performer, "witness": entry.witness}
    links = {
        "line": story_link(site, entry),
        "lot": link(site, [("lot", vial.lot)]) if vial.lot else None,
        "vial": link(site, [("vial", vial.vial)]),
        **{name: site.reference(reference) for name, reference in people.items()},
        **{f"{name}-record": site.reference(reference) for name, reference in people.items()},
        "record": site.reference(entry.source),
    }
    return Shown(dict(zip((one.name for one in report.columns), texts, strict=True)), links, line.marks)
