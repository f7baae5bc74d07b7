"""docs/controlled-substances.md says of every rule what the table of rules says, and its commands and URLs are there."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from service import cli
from service.ledger.basis import BASES, REFUSE
from service.rest.operations.table import OPERATIONS

TEXT = (Path(__file__).parents[3] / "docs/controlled-substances.md").read_text()
ROWS = {cells[1].strip(): [cell.strip() for cell in cells[2:-1]] for line in TEXT.splitlines() if len(cells := line.split("|")) == 7}


@pytest.mark.parametrize("id", BASES)
def test_a_rule_is_documented_as_it_is(id: str) -> None:
    one = BASES[id]
    breach = "refuses, always" if not one.may_be_set else "refuses" if one.action == REFUSE else "warns"
    assert ROWS[id] == [one.kind, one.says, one.source + ("" if one.is_read else " (unverified)"), breach]


def test_no_rule_is_documented_that_there_is_not() -> None:
    assert {id for id in ROWS if id.startswith("cs-")} == BASES.keys()


def test_the_operations_that_it_names_are_there() -> None:
    named = set(re.findall(r"\$(cs-[a-z-]+)", TEXT))
    assert len(named) >= 6
    assert named <= {one.code for one in OPERATIONS}


@pytest.mark.parametrize("words", sorted(set(re.findall(r"infusion-records ([a-z]+ [a-z-]+)", TEXT))))
def test_the_commands_that_it_names_are_there(words: str) -> None:
    assert CliRunner().invoke(cli.main, [*words.split(), "--help"]).exit_code == 0
