"""The clinic's profiles as properties: what they allow is accepted, and whatever breaks one of their rules is refused with that rule.

Resources are built by fhir.resources from the valid examples, varied where a profile leaves freedom. Mutants are derived from the merged
tree of the profile, each with one rule broken, and are such that R4's own gate accepts them: only the profile can refuse.
"""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.errors import Issue
from service.validation.check import Asked, Gate
from service.validation.profile import build, checks, rules
from service.validation.profile.hold import Holder
from tests.properties.profile_mutations import Mutant, mutants
from tests.properties.profile_samples import DEFINITIONS, EXAMPLES, LIBRARY, URLS, examples, found, is_plain, profile
from tests.properties.profile_variations import varied

RULES = frozenset(
    {
        "required-element",
        "prohibited-element",
        "too-many",
        "slice-minimum",
        "slice-maximum",
        "slice-unmatched",
        "fixed-value",
        "pattern-value",
        "profile-type",
        "target-profile",
        "required-binding",
        "extensible-binding",
        "value-range",
    }
)

WITHOUT = {
    "required-element": (checks.ElementCheck, "_too_few"),
    "too-many": (checks.ElementCheck, "_too_many"),
    "prohibited-element": (checks.ElementCheck, "_too_many"),
    "slice-minimum": (checks.Slice, "check"),
    "slice-maximum": (checks.Slice, "check"),
    "slice-unmatched": (checks.Slices, "_others"),
    "fixed-value": (rules, "fixed"),
    "pattern-value": (rules, "pattern"),
    "profile-type": (rules, "kinds"),
    "target-profile": (rules, "target"),
    "required-binding": (build, "binding_rule"),
    "extensible-binding": (build, "binding_rule"),
    "value-range": (rules, "bound"),
}
"""For each rule, the part of the validator without which it is not kept."""


def _name(url: str) -> str:
    return url.rpartition("/")[2]


def _names(issue: Issue, mutant: Mutant) -> bool:
    """Whether an issue is about the rule that was broken, at the object in which it was broken."""
    return issue.rule == mutant.rule and (issue.expression or "").startswith(mutant.inside)


def _errors(url: str, tree: Any) -> list[Issue]:
    return [issue for issue in found(url, tree) if issue.severity == "error"]


def test_there_are_profiles_and_each_has_examples() -> None:
    """Nothing below passes for want of anything to look at."""
    assert len(URLS) >= 35
    assert not [url for url in URLS if len(examples(url)) < 2]


@pytest.mark.parametrize("url", URLS, ids=_name)
def test_every_single_mutation_is_refused_with_its_rule(url: str) -> None:
    """Every mutant of every valid example."""
    tried = 0
    for example in examples(url):
        assert not _errors(url, example)
        for mutant in mutants(profile(url), example):
            if is_plain(mutant.tree):
                tried += 1
                issues = found(url, mutant.tree)
                assert any(_names(issue, mutant) for issue in issues), (mutant.rule, mutant.place, issues)
    assert tried >= 10


def test_mutations_break_every_kind_of_rule() -> None:
    """No kind of rule is left out because no mutant breaks it."""
    kinds = Counter(mutant.rule for url in URLS for mutant in mutants(profile(url), examples(url)[0]) if is_plain(mutant.tree))
    assert kinds.keys() >= RULES, RULES - kinds.keys()


@pytest.mark.parametrize("url", URLS, ids=_name)
@settings(max_examples=15)
@given(data=st.data())
def test_what_a_profile_allows_is_accepted_and_what_breaks_a_rule_is_not(url: str, data: st.DataObject) -> None:
    """A resource built by fhir.resources within what the profile allows, and one mutant of it."""
    tree = data.draw(varied(url, data.draw(st.sampled_from(examples(url)))))
    assert not _errors(url, tree)
    mutant = data.draw(st.sampled_from(list(mutants(profile(url), tree))))
    if is_plain(mutant.tree):
        issues = found(url, mutant.tree)
        assert any(_names(issue, mutant) for issue in issues), (mutant.rule, mutant.place, issues)


def test_every_invariant_of_the_clinic_is_broken_by_an_example() -> None:
    """Mutations cannot tell what an invariant means: for each there is an invalid example named after it."""
    keys = {
        (_name(url), one.key)
        for url in URLS
        for node in profile(url).root.walk()
        for one in node.constraints
        if one.source.partition("|")[0] == url
    }
    broken = {tuple(path.stem.split("--")[:2]) for path in (EXAMPLES / "invalid").glob("*.json")}
    assert len(keys) >= 30
    assert keys <= broken, keys - broken


@pytest.mark.parametrize("rule", sorted(RULES))
def test_a_validator_without_a_rule_is_noticed(rule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mutants of a rule get through where the validator does not keep it: the tests above can fail."""
    place, name = WITHOUT[rule]
    nothing = None if name == "kinds" else lambda *_: None
    monkeypatch.setattr(place, name, lambda *_: nothing)
    gate = Gate(DEFINITIONS, Holder(DEFINITIONS, LIBRARY))
    tried = ((url, mutant) for url in URLS for mutant in mutants(profile(url), examples(url)[0]) if mutant.rule == rule)
    plain = ((url, mutant) for url, mutant in tried if is_plain(mutant.tree))
    assert any(not any(_names(issue, mutant) for issue in gate.check(mutant.tree, asked=Asked((url,)))) for url, mutant in plain)
