"""The gate finds in every case of the corpus the one thing that is wrong with it, and nothing else."""

import pytest

from service.validation.check import Gate
from tests.corpus.case import Case, cases
from tests.corpus.gate import gate

CASES = cases()


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> Gate:
    """The gate that all cases pass."""
    return gate(tmp_path_factory.mktemp("packages"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_the_one_rule(case: Case, held: Gate) -> None:
    issues = [issue for issue in held.check(case.tree) if issue.severity != "information"]
    expected = [("error", case.error, case.at)] if case.error else [("warning", case.warning, case.at)] if case.warning else []
    assert [(issue.severity, issue.rule, issue.expression) for issue in issues] == expected, issues


def test_the_corpus_is_large() -> None:
    refused = [case for case in CASES if not case.is_valid]
    assert len(CASES) >= 150
    assert len(refused) >= 100
    assert len(CASES) - len(refused) >= 50
    assert len({case.error for case in refused}) >= 60
