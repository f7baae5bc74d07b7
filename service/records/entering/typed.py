"""What was typed into a form, read exactly: amounts as whole micrograms, times of the clinic's wall clock with their offset.

Nothing is guessed and nothing is rounded. Every field is read before anything is refused, so that all that is wrong is told at once, each
beside its field: an Issue with the rule `form-field` and the name of the field as its expression.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from service.clock import to_datetime
from service.errors import BadRequest, Issue

RULE = "form-field"
_DECIMAL = re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,9})?")
_MOMENT = re.compile(r"20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(?::[0-9]{2})?")
_DAY = re.compile(r"20[0-9]{2}-[0-9]{2}-[0-9]{2}")
_THOUSAND = 1000
_MICROSECONDS = 1_000_000


@dataclass(slots=True)
class Typed:
    """The fields of a form. `now` in microseconds since the epoch; `wrong` says what is the matter with which field."""

    fields: Mapping[str, str]
    zone: ZoneInfo
    now: int
    wrong: dict[str, str] = field(default_factory=dict)

    def require(self) -> None:
        """Raises BadRequest with everything that is wrong."""
        if self.wrong:
            raise BadRequest([Issue("error", "value", "form-field", says, name) for name, says in self.wrong.items()])

    def text(self, name: str) -> str:
        """The words, without spaces around them or more than one between them."""
        return " ".join(self.fields.get(name, "").split())

    def words(self, name: str, what: str, most: int, least: int = 1) -> str:
        """Words of a length."""
        found = self.text(name)
        if not least <= len(found) <= most:
            self.wrong[name] = f"State {what}, in {least} to {most} characters."
        return found

    def matching(self, name: str, pattern: re.Pattern[str], mend: str) -> str:
        """Text of a form; `mend` says which."""
        found = self.text(name)
        if not pattern.fullmatch(found):
            self.wrong[name] = mend
        return found

    def chosen(self, name: str, among: Collection[str]) -> str:
        """One of what was offered."""
        found = self.fields.get(name, "")
        if found not in among:
            self.wrong[name] = "Choose one of the list."
        return found

    def amount(self, name: str, least_ug: int = 1) -> int:
        """An amount in milligrams, as whole micrograms."""
        return self._thousandths(name, "mg", "microgram", least_ug)

    def volume(self, name: str) -> int | None:
        """A volume in millilitres, as whole microlitres; None when nothing was typed."""
        return self._thousandths(name, "mL", "microlitre", 1) if self.text(name) else None

    def day(self, name: str) -> str:
        """A date."""
        found = self.text(name)
        try:
            return date.fromisoformat(found).isoformat() if _DAY.fullmatch(found) else self._no_day(name)
        except ValueError:
            return self._no_day(name)

    def moment(self, name: str) -> str:
        """A moment of the clinic's wall clock, with its offset from UTC: FHIR's dateTime."""
        found = self.text(name)
        try:
            wall = datetime.fromisoformat(found) if _MOMENT.fullmatch(found) else None
        except ValueError:
            wall = None
        if wall is None:
            self.wrong[name] = "State date and time by the clinic's clock, as in 2026-03-14T09:30."
            return ""
        return self._placed(name, wall)

    def instant(self, moment: str) -> int:
        """A moment that was read, in microseconds since the epoch."""
        return int(datetime.fromisoformat(moment).timestamp()) * _MICROSECONDS

    def _thousandths(self, name: str, unit: str, finest: str, least: int) -> int:
        found = self.text(name)
        if not _DECIMAL.fullmatch(found):
            self.wrong[name] = f"State a number of {unit} with a point before decimals, as in 17.8."
            return 0
        value = Decimal(found) * _THOUSAND
        if value != value.to_integral_value():
            self.wrong[name] = f"That is finer than a {finest}, which nobody can account for. State at most three decimals."
        elif value < least:
            self.wrong[name] = "State more than nothing."
        return int(value)

    def _no_day(self, name: str) -> str:
        self.wrong[name] = "State a date, as in 2027-08-31."
        return ""

    def _placed(self, name: str, wall: datetime) -> str:
        """Where the clocks go back, an hour is there twice: it is the later one, unless that has yet to come."""
        first, second = (wall.replace(tzinfo=self.zone, fold=fold) for fold in (0, 1))
        if first.astimezone(UTC).astimezone(self.zone).replace(tzinfo=None) != wall:
            self.wrong[name] = "There was no such time: the clocks went forward. Look at the hour."
            return ""
        is_twice = first.utcoffset() != second.utcoffset()
        return (second if is_twice and second.astimezone(UTC) <= to_datetime(self.now) else first).isoformat()
