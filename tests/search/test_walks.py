"""Page walks while the record changes under them: what stays as it is comes exactly once, in every order.

Between two pages others create, update and delete, by a script that Hypothesis writes: what happens between which pages is known, so
that nothing depends on timing. Another test lets real writers run beside the walk.
"""

import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.errors import BadRequest
from service.search.paging import Cursors
from tests.search.clinic import Clinic, Stored

ORDERS = (
    "",
    "_sort=_id",
    "_sort=-_id",
    "_sort=date",
    "_sort=-date",
    "_sort=status,-date",
    "_sort=-code,date,_id",
    "_sort=value-quantity,-status",
    "_sort=-value-string",
    "code=bp",
    "code=bp,hr&_sort=-date",
    "status=final,amended&date=ge2026-03-02&_sort=date,-status",
    "patient=ada",
    "_filter=status%20eq%20final%20or%20code%20eq%20bp&_sort=-code",
)
STATUSES = ("final", "amended", "corrected")
CODES = ("bp", "hr", "rr")
_SYSTEM = "http://c"


@dataclass
class Script:
    """What is there in the beginning, how large the pages are, and what happens after each of them: (what, which)."""

    first: list[dict[str, Any]]
    size: int
    turns: list[list[tuple[str, int]]] = field(default_factory=list)


_values = st.fixed_dictionaries(
    {"status": st.sampled_from(STATUSES), "code": st.sampled_from(CODES).map(lambda code: {"coding": [{"system": _SYSTEM, "code": code}]})},
    optional={
        "effectiveDateTime": st.integers(1, 4).map(lambda day: f"2026-03-0{day}T10:00:00Z"),
        "valueQuantity": st.sampled_from(("1", "2", "10")).map(lambda number: {"value": number, "unit": "x"}),
        "valueString": st.sampled_from(("a", "B", "ä")),
        "subject": st.sampled_from(({"reference": "Patient/ada"}, {"reference": "Patient/bob"})),
    },
)
_happens = st.tuples(st.sampled_from(("touch", "touch", "move", "delete", "create")), st.integers(0, 99))
_scripts = st.builds(
    Script,
    st.lists(_values, min_size=4, max_size=14),
    st.integers(1, 4),
    st.lists(st.lists(_happens, max_size=3), min_size=3, max_size=12),
)


class Others:
    """Those who write while somebody else reads. They remember whom they moved or removed."""

    def __init__(self, clinic: Clinic, script: Script) -> None:
        self._clinic = clinic
        self._script = script
        self._turn = 0
        self.stored = dict(enumerate(clinic.put(*(_observation(number, values) for number, values in enumerate(script.first)))))
        self.moved: set[int] = set()
        self.removed: set[int] = set()
        self._new: list[Stored] = []

    def write(self) -> None:
        """What happens after one page."""
        happening = self._script.turns[self._turn] if self._turn < len(self._script.turns) else []
        self._turn += 1
        for what, which in happening:
            self._do(what, which % len(self._script.first))

    def _do(self, what: str, which: int) -> None:
        if what == "create":
            self._new += self._clinic.put(_observation(100 + len(self._new), self._script.first[which]))
        elif which in self.removed:
            return
        elif what == "touch":
            self.stored[which] = self._clinic.update(self.stored[which], note=[{"text": f"seen {self._turn}"}])
        elif what == "move":
            self.moved.add(which)
            changed = dict(self._script.first[(which + 1) % len(self._script.first)])
            self.stored[which] = self._clinic.update(self.stored[which], **changed)
        else:
            self.removed.add(which)
            self._clinic.remove(self.stored[which])

    def leave(self) -> None:
        """Remove everything."""
        self._clinic.remove(*(one for number, one in self.stored.items() if number not in self.removed), *self._new)


_runs = iter(range(10**9))


def _observation(number: int, values: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Observation", "id": f"o{number:03}-{next(_runs)}", **values}


def _pages(clinic: Clinic, asked: str, size: int) -> Iterator[list[str]]:
    cursor = ""
    while True:
        page = clinic.page("Observation", f"{asked}&_count={size}{cursor}")
        yield [one.id for one in page.matches]
        if page.next is None:
            return
        cursor = f"&_cursor={page.next}"


def _walk(clinic: Clinic, asked: str, script: Script) -> None:
    others = Others(clinic, script)
    try:
        names = {number: one.tree["id"] for number, one in others.stored.items()}
        wanted = set(clinic.ids("Observation", f"{asked}&_count=100"))
        found: Counter[str] = Counter()
        for page in _pages(clinic, asked, script.size):
            found.update(page)
            others.write()
        still = {names[number] for number in others.stored if number not in others.moved | others.removed}
        assert {name: found[name] for name in still} == {name: int(name in wanted) for name in still}, (asked, script)
        if asked.endswith("_sort=_id"):
            moved = {names[number] for number in others.moved - others.removed}
            assert {name: found[name] for name in moved} == dict.fromkeys(moved, 1), (asked, script)
    finally:
        others.leave()


@pytest.mark.parametrize("asked", ORDERS)
@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(script=_scripts)
def test_what_stays_as_it_is_comes_exactly_once(clinic: Clinic, asked: str, script: Script) -> None:
    _walk(clinic, asked, script)


@pytest.mark.nightly
@pytest.mark.parametrize("asked", ORDERS)
@settings(max_examples=150, derandomize=False, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(script=_scripts)
def test_what_stays_as_it_is_comes_exactly_once_at_length(clinic: Clinic, asked: str, script: Script) -> None:
    _walk(clinic, asked, script)


@pytest.mark.parametrize("asked", ["", "_sort=_id", "_sort=-date", "_sort=date", "_sort=status,-date", "code=bp&_sort=-date,_id"])
def test_a_walk_is_whole_while_writers_run_beside_it(clinic: Clinic, asked: str) -> None:
    values = [
        {"status": STATUSES[number % 3], "code": {"coding": [{"system": _SYSTEM, "code": "bp"}]}, **_day(number)} for number in range(40)
    ]
    stored = clinic.put(*(_observation(number, one) for number, one in enumerate(values)))
    still = {one.tree["id"] for one in stored[::2]}
    stop = threading.Event()
    writers = [threading.Thread(target=work, args=(clinic, stored, stop)) for work in (_touch, _move, _come_and_go)]
    for writer in writers:
        writer.start()
    try:
        for _ in range(4):
            found = Counter(id for page in _pages(clinic, asked, 7) for id in page)
            assert {id: found[id] for id in still} == dict.fromkeys(still, 1)
    finally:
        stop.set()
        for writer in writers:
            writer.join()


def _day(number: int) -> dict[str, str]:
    return {"effectiveDateTime": f"2026-03-{1 + number % 28:02}T10:00:00Z"}


def _touch(clinic: Clinic, stored: list[Stored], stop: threading.Event) -> None:
    """Change what nobody asks for."""
    mine = stored[::2]
    while not stop.is_set():
        mine = [clinic.update(one, note=[{"text": "seen"}]) for one in mine]


def _move(clinic: Clinic, stored: list[Stored], stop: threading.Event) -> None:
    """Change what the walk is sorted by."""
    mine, turn = stored[1::4], 0
    while not stop.is_set():
        turn += 1
        mine = [clinic.update(one, status=STATUSES[turn % 3], **_day(turn)) for one in mine]


def _come_and_go(clinic: Clinic, stored: list[Stored], stop: threading.Event) -> None:
    """Delete some, and bring in others that go again."""
    going, turn = list(stored[3::4]), 0
    while not stop.is_set():
        turn += 1
        if going:
            clinic.remove(going.pop())
        clinic.remove(
            *clinic.put(_observation(turn, {"status": "final", "code": {"coding": [{"system": _SYSTEM, "code": "bp"}]}, **_day(turn)}))
        )


def test_a_cursor_belongs_to_its_question_and_its_server(clinic: Clinic) -> None:
    clinic.put(*(_observation(number, {"status": "final", **_day(number)}) for number in range(9)))
    cursor = clinic.page("Observation", "_count=3&_sort=-date").next
    assert clinic.page("Observation", f"_count=3&_sort=-date&_cursor={cursor}").matches
    elsewhere = Clinic(clinic.database, clinic.registry, Cursors(b"x" * 32))
    for where, type, asked in (
        (elsewhere, "Observation", "_count=3&_sort=-date"),
        (clinic, "Observation", "_count=3&_sort=date"),
        (clinic, "Observation", "_count=3&_sort=-date,_id"),
        (clinic, "Observation", "_count=4&_sort=-date"),
        (clinic, "Observation", "_count=3&_sort=-date&status=final"),
        (clinic, "Condition", "_count=3&_sort=-_id"),
        (clinic, "Encounter", "_count=3&_sort=-date"),
    ):
        with pytest.raises(BadRequest, match="cursor"):
            where.page(type, f"{asked}&_cursor={cursor}")


def test_no_letter_of_a_cursor_can_be_changed(clinic: Clinic) -> None:
    clinic.put(*(_observation(number, {"status": "final", **_day(number)}) for number in range(9)))
    cursor = clinic.page("Observation", "_count=3&_sort=-date").next
    assert cursor
    for at in range(len(cursor)):
        for changed in (cursor[:at] + ("A" if cursor[at] != "A" else "B") + cursor[at + 1 :], cursor[:at], cursor[:at] + cursor[at + 1 :]):
            with pytest.raises(BadRequest, match="cursor"):
                clinic.page("Observation", [("_count", "3"), ("_sort", "-date"), ("_cursor", changed)])
