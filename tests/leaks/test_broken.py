"""The leak tests can fail: on a build in which the restriction is missing at one place, they do. The last look is off in all of them.

A mistake is a piece of a function's source and what stands there instead; the function is compiled anew and put wherever it is used.
"""

import inspect
import itertools
import sys
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from service.app import create_app
from service.records import authority, conduct, everything, labels, lastn, measurements, outreach, read, receipt
from service.records import condition as conditions
from service.rest import history_cursor, response
from service.search import clauses, execute, include, past, resolve, viewer
from service.security.access import Access
from tests.access import admitted
from tests.databases import Databases
from tests.leaks import test_reading, test_writing
from tests.leaks.conftest import SETTINGS
from tests.leaks.principals import PRINCIPALS
from tests.leaks.sender import Sender
from tests.leaks.world import built

pytestmark = pytest.mark.nightly


@dataclass(frozen=True)
class Mistake:
    """What is wrong: in the function `name` of `owner` (a module or class), `right` reads `wrong`. `shown` by one of these tests."""

    owner: Any
    name: str
    right: str
    wrong: str
    shown: tuple[Callable[..., None], ...]


READ, WRITE = test_reading, test_writing
MISTAKES = [
    Mistake(resolve, "resolved", ", *_flat(restriction))", ",)", (READ.test_leak_06_counts,)),
    Mistake(resolve._Looker, "_seen", "narrowed(clause, self.sight.of(SEARCH, type))", "clause", (READ.test_leak_13_14_chains,)),
    Mistake(resolve._Looker, "_site", "All(tuple(Missing(code, True) for code in site.codes))", "All(())", (READ.test_leak_06_counts,)),
    Mistake(
        include._Walk,
        "_referred",
        "self.viewer.visible(ends.keys - self.known)",
        "ends.keys - self.known",
        (READ.test_leak_07_to_11_includes,),
    ),
    Mistake(include._Walk, "_visible_referring", "self.viewer.seen(rows)", "rows", (READ.test_leak_07_to_11_includes,)),
    Mistake(clauses.Clauses, "_confined", "not_(is_mine)", "is_mine", (READ.test_leak_06_counts, READ.test_leak_35_provenance_of_two)),
    Mistake(viewer.Viewer, "holds", "clinics is None or", "True or", (READ.test_leak_03_what_was_deleted,)),
    Mistake(execute, "_canonical", "sight.key", '""', (WRITE.test_leak_16_a_cursor_is_its_readers,)),
    Mistake(read, "read", "not is_visible(ctx, tx, key)", "False", (READ.test_leak_01_by_id,)),
    Mistake(read, "vread", "not is_visible(ctx, tx, key)", "False", (READ.test_leak_01_what_is_in_reach_is_given,)),
    Mistake(read, "vread", "_holds(ctx, tx, type, row)", "True", (READ.test_leak_01_what_is_in_reach_is_given,)),
    Mistake(
        read, "is_visible", "return last is not None and viewer.holds(type, last)", "return True", (READ.test_leak_03_what_was_deleted,)
    ),
    Mistake(read, "_span", "not is_visible(ctx, tx, key) or ", "", (READ.test_leak_01_by_id,)),
    Mistake(read, "_types", "return past.Types(letter, tuple(within))", "return None", (READ.test_leak_33_histories,)),
    Mistake(past, "_condition", "or_(resource.c.deleted, met)", "true()", (READ.test_leak_33_histories,)),
    Mistake(past, "_is_visible", "not past.viewer.holds(type, row.body)", "False", (READ.test_leak_33_histories,)),
    Mistake(past, "_was_visible", "past.viewer.holds(type, last)", "True", (READ.test_leak_33_histories,)),
    Mistake(everything._Walk, "_visible", "if node.key in visible", "", (READ.test_leak_29_everything,)),
    Mistake(
        labels, "in_use", 'if ctx.access.is_whole("s", name)', "", (READ.test_RULE14_labels_of_a_type_reached_in_part_are_not_counted,)
    ),
    Mistake(lastn, "_newest_by", "MOST + 1, ctx.access)", "MOST + 1, UNLIMITED)", (READ.test_RULE14_operations,)),
    Mistake(measurements, "_rows", "MOST + 1, ctx.access)", "MOST + 1, UNLIMITED)", (READ.test_RULE14_operations,)),
    Mistake(
        conditions,
        "resolve",
        "limit, ctx.access)",
        "limit, UNLIMITED)",
        (WRITE.test_leak_23_24_conditions, WRITE.test_leak_27_conditional_references_are_searches),
    ),
    Mistake(authority, "reachable", 'ctx.access.require("s", asked.type)', "pass", (READ.test_leak_05_by_ids,)),
    Mistake(authority, "_require_clause", 'ctx.access.require("s", clause.type)', "pass", (READ.test_leak_13_14_chains,)),
    Mistake(
        authority, "_require_clause", "_require_end(ctx, [name for name, _ in clause.targets])", "pass", (READ.test_leak_13_14_chains,)
    ),
    Mistake(
        authority,
        "require_changes",
        "ctx.access.require(letter(change), change.type)",
        "pass",
        (WRITE.test_leak_21_a_hidden_id_is_a_free_one,),
    ),
    Mistake(
        outreach,
        "within",
        "if hidden else current",
        "if False else current",
        (WRITE.test_leak_20_nothing_is_moved_to_another_patient, WRITE.test_leak_21_a_hidden_id_is_a_free_one),
    ),
    Mistake(outreach, "require_own_id", "raise unknown(change.type, key[1])", "return", (WRITE.test_leak_21_a_hidden_id_is_a_free_one,)),
    Mistake(outreach, "require_after", "raise _beyond()", "pass", (WRITE.test_leak_20_nothing_is_moved_to_another_patient,)),
    Mistake(outreach, "_require_own_patients", "raise _beyond()", "pass", (WRITE.test_leak_20_nothing_is_moved_to_another_patient,)),
    Mistake(outreach, "_require_plain_content", "in ctx.access.belonging.codes", "in ()", (WRITE.test_leak_28_another_patient_inside,)),
    Mistake(outreach, "told", "if (number(type), id) in visible", "", (WRITE.test_a_refused_deletion_names_only_what_may_be_seen,)),
    Mistake(response, "_is_readable", "return ", "return True or ", (WRITE.test_RULE16_who_may_not_read_gets_nothing_back,)),
    Mistake(conduct, "_is_own_device", "== ctx.caller.device", "is not None", (WRITE.test_a_gateway_speaks_for_its_own_device,)),
    Mistake(history_cursor, "_signed", "ctx.access.key", '""', (READ.test_leak_16_a_cursor_of_a_history_is_its_readers,)),
    Mistake(receipt, "_reach", "ctx.access.key", '""', (WRITE.test_a_key_gives_no_more_than_its_token_reaches,)),
]


def _names() -> Iterator[str]:
    return (f"{number}-{one.name}" for number, one in enumerate(MISTAKES))


@pytest.fixture
def broken(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Mistake:
    """A build with the mistake in it, and without the last look."""
    mistake: Mistake = request.param
    here = sys.modules[mistake.owner.__module__] if isinstance(mistake.owner, type) else mistake.owner
    function = inspect.unwrap(inspect.getattr_static(mistake.owner, mistake.name))
    source = textwrap.dedent(inspect.getsource(function))
    assert source.count(mistake.right) >= 1, f"{mistake.name} has no {mistake.right!r} any more"
    names = dict(here.__dict__)
    exec("from service.search.sight import UNLIMITED", names)
    exec(compile("from __future__ import annotations\n" + source.replace(mistake.right, mistake.wrong), here.__file__, "exec"), names)
    wrong = names[mistake.name]
    if isinstance(mistake.owner, type):
        monkeypatch.setattr(mistake.owner, mistake.name, wrong)
    for module in [one for name, one in sys.modules.items() if name.startswith("service.")]:
        for name, value in list(vars(module).items()):
            if value is function:
                monkeypatch.setattr(module, name, wrong)
    monkeypatch.setattr(Access, "is_plain", lambda *_: True)
    return mistake


def _calls(test: Callable[..., None]) -> Iterator[dict[str, Any]]:
    """The parameters with which pytest would call a test."""
    marks = [mark for mark in getattr(test, "pytestmark", ()) if mark.name == "parametrize"]
    choices = [
        [dict(zip(_split(mark.args[0]), values if len(_split(mark.args[0])) > 1 else (values,), strict=True)) for values in mark.args[1]]
        for mark in marks
    ]
    for chosen in itertools.product(*choices):
        yield {name: value for one in chosen for name, value in one.items()}


def _split(names: str | tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name.strip() for name in names.split(",")) if isinstance(names, str) else names


@pytest.mark.parametrize("broken", MISTAKES, indirect=True, ids=list(_names()))
def test_a_restriction_that_is_missing_is_noticed(databases: Databases, broken: Mistake) -> None:
    with databases.fresh("sqlite") as url:
        app = create_app(replace(SETTINGS, database_url=url))
        world = built(app.extensions["infusion_records"])
        clients = {name: admitted(app, one.client, one.patient, one.user) for name, one in PRINCIPALS.items()}
        noticed = 0
        for test in broken.shown:
            wanted = inspect.signature(test).parameters
            for who, given in itertools.product(PRINCIPALS.values(), list(_calls(test))):
                parts = {"sender": Sender(world, who, clients[who.name]), "world": world, "who": who, "place": (world, clients)}
                try:
                    test(**{name: value for name, value in {**parts, **given}.items() if name in wanted})
                except AssertionError:
                    noticed += 1
            if noticed:
                break
        app.extensions["infusion_records"].database.dispose()
    assert noticed, f"nothing notices that {broken.right!r} is missing in {broken.name}"
