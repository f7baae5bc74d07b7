"""The example visit with one thing wrong: what each rule says of it as shipped, as a warning, and switched off."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from service.ledger.policy import OFF, WARN, Policy
from tests.unit.ledger.scene import FakeScene, changed, example

DRAW = "MedicationDispense/medicationdispense-79"
GIVEN = "MedicationAdministration/medicationadministration-81"
SEGMENT = "MedicationAdministration/medicationadministration-82"
WASTE, COUNT = "Observation/observation-101", "Observation/observation-80"
RECEIPT = "SupplyDelivery/supplydelivery-14"
VIAL, SYRINGE = "Medication/medication-12", "Medication/medication-15"
RIVERA, CHEN, OKAFOR = (f"Practitioner/practitioner-{number}" for number in (5, 6, 7))
PATIENT, ESCORT, VISIT = "Patient/patient-4", "RelatedPerson/relatedperson-8", "Encounter/encounter-22"
ORDER, CONSENT, SIGNED = "MedicationRequest/medicationrequest-20", "Consent/consent-19", "Provenance/provenance-104"
WEIGHT = "Observation/observation-26"

Alter = Callable[[FakeScene], object]


@dataclass(frozen=True)
class Case:
    """One thing wrong with the example visit: how it comes about, the write that a rule finds it in, and the element it names."""

    alter: Alter
    write: str
    expression: str
    says: str = ""


def altered(path: str, value: Any, reference: str) -> Alter:
    """Replaces one element of what the commit writes; None takes it away."""
    return lambda around: around.put(changed(around.after[reference], path, value))


def kept(reference: str, since: str = "2026-01-01T00:00:00Z", **changes: Any) -> Alter:
    """Has a resource in the record since before the commit, with changes."""
    return lambda around: around.keep(around.after[reference], since, **changes)


def told(around: FakeScene, rules: Sequence[Any], write: str, rule: str) -> list[tuple[str, str | None, str]]:
    """(severity, expression, text) of what the rules say of a write under the id `rule`."""
    written = around.of(write)
    issues = around.findings(rules, written)
    assert all(issue.entry == written.entry for issue in issues)
    return [(issue.severity, issue.expression, issue.diagnostics) for issue in issues if issue.rule == rule]


def with_action(around: FakeScene, rule: str, action: str) -> FakeScene:
    """The same record under a policy that makes something else of a breach."""
    around.policies = replace(around.policies, version="7", actions=MappingProxyType({rule: action}))
    return around


def expect_policy(case: Case, rules: Sequence[Any], rule: str) -> None:
    """A breach of a policy is refused, warned of or passed over, as the clinic sets it; without it nothing is said."""
    assert told(example(), rules, case.write, rule) == []
    around = example()
    case.alter(around)
    found = told(around, rules, case.write, rule)
    assert [(severity, expression) for severity, expression, _ in found] == [("error", case.expression)]
    assert case.says in found[0][2]
    assert found[0][2].endswith(" Policy 1.")
    warned = told(with_action(around, rule, WARN), rules, case.write, rule)
    assert [(severity, expression) for severity, expression, _ in warned] == [("warning", case.expression)]
    assert warned[0][2].endswith(" Policy 7.")
    assert told(with_action(around, rule, OFF), rules, case.write, rule) == []


def expect_doubt(case: Case, rules: Sequence[Any], rule: str) -> None:
    """What cannot be told from the record is a warning, and nothing when the rule is switched off."""
    around = example()
    case.alter(around)
    found = told(around, rules, case.write, rule)
    assert [(severity, expression) for severity, expression, _ in found] == [("warning", case.expression)]
    assert case.says in found[0][2]
    assert told(with_action(around, rule, OFF), rules, case.write, rule) == []


def expect_law(case: Case, rules: Sequence[Any], rule: str) -> None:
    """A breach of law is refused, whatever is set."""
    assert told(example(), rules, case.write, rule) == []
    around = example()
    case.alter(around)
    for policies in (Policy(), Policy(actions=MappingProxyType({rule: OFF})), Policy(actions=MappingProxyType({rule: WARN}))):
        around.policies = policies
        found = told(around, rules, case.write, rule)
        assert [(severity, expression) for severity, expression, _ in found] == [("error", case.expression)]
        assert case.says in found[0][2]


def expect_nothing(case: Case, rules: Sequence[Any], rule: str) -> None:
    """What is right after all."""
    around = example()
    case.alter(around)
    assert told(around, rules, case.write, rule) == []
