"""The policies of a clinic: what a file may say, which of them hold for a substance, a site and an instant, and what is law."""

import json
import re
from dataclasses import fields
from datetime import UTC
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from service import wiring
from service.config import Settings, SettingsError
from service.ledger import policies
from service.ledger.basis import BASES, LAW, OFF, POLICY, REFUSE, WARN
from service.ledger.policies import Policies, PolicyError
from service.ledger.policy import Policy
from tests.unit.ledger.scene import instant

ROOT = Path(__file__).parents[3]
LATER = instant("2027-06-01")
LAWS = sorted(rule for rule, basis in BASES.items() if not basis.may_be_set)
SETTABLE = sorted(rule for rule, basis in BASES.items() if basis.may_be_set)


def version(name: str = "1", since: str = "2026-01-01", **rest: Any) -> dict[str, Any]:
    return {"version": name, "since": since, **rest}


def read(*versions: Any) -> Policies:
    return policies.read(json.dumps({"versions": versions}), UTC)


def test_what_is_shipped_is_what_a_policy_is_by_default_and_says_everything_that_can_be_set() -> None:
    shipped = policies.shipped(UTC).of("6130", (), LATER)
    assert shipped == Policy(actions=shipped.actions)
    assert {rule: shipped.action(rule) for rule in SETTABLE} == {rule: Policy().action(rule) for rule in SETTABLE}
    assert sorted(shipped.actions) == SETTABLE
    written = json.loads(policies.SHIPPED.read_text(encoding="utf-8"))["versions"][0]["defaults"]
    assert written.keys() == {one.name for one in fields(Policy)} - {"version"}


def test_a_version_holds_from_its_day_until_the_next_and_the_first_one_before_it_too() -> None:
    found = read(version("1"), version("2", "2026-06-01"), version("3", "2026-06-02T12:00:00Z"))
    at = {text: found.of("6130", (), instant(text)).version for text in ("2020-01-01", "2026-05-31T23:59:59Z", "2026-06-01", "2026-06-03")}
    assert at == {"2020-01-01": "1", "2026-05-31T23:59:59Z": "1", "2026-06-01": "2", "2026-06-03": "3"}
    assert found.of("6130", (), instant("2026-06-02T12:00:00Z")).version == "3"


def test_a_day_begins_in_the_zone_of_the_clinic() -> None:
    text = json.dumps({"versions": [version("1"), version("2", "2026-06-01")]})
    found = policies.read(text, ZoneInfo("America/Los_Angeles"))
    assert found.of("", (), instant("2026-06-01T06:59:59Z")).version == "1"
    assert found.of("", (), instant("2026-06-01T07:00:00Z")).version == "2"


def test_overrides_hold_for_their_substances_and_sites_and_the_later_one_wins() -> None:
    overrides = [
        {"substances": ["6130"], "open_vial_days": 14, "actions": {"cs-22": "warn"}},
        {"sites": ["SITE-1"], "witness_minutes": 30, "open_vial_days": 7, "actions": {"cs-11": "off"}},
        {"substances": ["373476007"], "sites": ["SITE-1", "SITE-2"], "open_vial_days": 1},
    ]
    found = read(version(defaults={"late_hours": 12, "actions": {"cs-24": "warn"}}, overrides=overrides))
    days = {
        (substance, site): found.of(substance, {"id-of-it", site}, LATER).open_vial_days
        for substance in ("6130", "373476007")
        for site in ("SITE-1", "SITE-2", "SITE-3")
    }
    assert days == {
        ("6130", "SITE-1"): 7,
        ("6130", "SITE-2"): 14,
        ("6130", "SITE-3"): 14,
        ("373476007", "SITE-1"): 1,
        ("373476007", "SITE-2"): 1,
        ("373476007", "SITE-3"): 28,
    }
    both = found.of("6130", ["SITE-1"], LATER)
    assert (both.late_hours, both.witness_minutes) == (12, 30)
    assert [both.action(rule) for rule in ("cs-22", "cs-11", "cs-24", "cs-10")] == [WARN, OFF, WARN, REFUSE]
    assert found.of("6130", ["SITE-1"], LATER) is both
    assert found.of("6130", "SITE-1", LATER) == both


@pytest.mark.parametrize("rule", LAWS)
@pytest.mark.parametrize("action", [WARN, OFF])
def test_law_cannot_be_switched_off_by_a_file_nor_in_code(rule: str, action: str) -> None:
    with pytest.raises(PolicyError, match=rf"actions\.{rule} cannot be {action}.*holds always"):
        read(version(defaults={"actions": {rule: action}}))
    with pytest.raises(PolicyError, match=r"versions\[0\]\.overrides\[0\]\.actions"):
        read(version(overrides=[{"sites": ["SITE-1"], "actions": {rule: action}}]))
    assert Policy(actions={rule: action}).action(rule) == REFUSE
    assert read(version(defaults={"actions": {rule: REFUSE}})).of("", (), 0).action(rule) == REFUSE


@pytest.mark.parametrize("rule", SETTABLE)
def test_policy_can_be_switched(rule: str) -> None:
    for action in (REFUSE, WARN, OFF):
        assert read(version(defaults={"actions": {rule: action}})).of("", (), 0).action(rule) == action


MALFORMED = {
    "no-json": ("{", "no JSON"),
    "deep": ("[" * 100_000, "no JSON"),
    "list": ("[]", "must be an object"),
    "none": ("{}", "versions is missing"),
    "empty": ('{"versions": []}', "versions is empty"),
    "unknown": ('{"versions": [], "vresions": 1}', "vresions"),
    "twice": ('{"versions": [], "versions": []}', "twice"),
    "version-text": ('{"versions": ["1"]}', r"versions\[0\] must be an object"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_file_is_refused_with_its_place(name: str) -> None:
    text, complaint = MALFORMED[name]
    with pytest.raises(PolicyError, match=complaint):
        policies.read(text, UTC)


WRONG = {
    "no-name": (version(""), r"\[0\]\.version"),
    "name-number": (version(since="2026-01-01") | {"version": 1}, r"\[0\]\.version"),
    "name-line": (version("a\nb"), r"\[0\]\.version"),
    "no-since": ({"version": "1"}, r"\[0\]\.since"),
    "since-text": (version(since="soon"), r"\[0\]\.since"),
    "since-day": (version(since="2026-02-30"), r"\[0\]\.since"),
    "setting": (version(defaults={"late_houres": 1}), "late_houres"),
    "own-version": (version(defaults={"version": "9"}), "version"),
    "float": (version(defaults={"late_hours": 1.5}), r"defaults\.late_hours must be a whole number from 1"),
    "bool": (version(defaults={"late_hours": True}), "late_hours"),
    "text": (version(defaults={"late_hours": "24"}), "late_hours"),
    "negative": (version(defaults={"tolerance_ug": -1}), "tolerance_ug"),
    "huge": (version(defaults={"tolerance_ug": 10**30}), "tolerance_ug"),
    "no-roles": (version(defaults={"roles": []}), "roles is empty"),
    "roles-text": (version(defaults={"roles": "RN"}), "roles is missing or no list"),
    "roles-number": (version(defaults={"roles": [1]}), "roles must be a list of texts"),
    "rule": (version(defaults={"actions": {"cs-99": "off"}}), "cs-99"),
    "action": (version(defaults={"actions": {"cs-10": "ignore"}}), "must be one of refuse, warn, off"),
    "action-list": (version(defaults={"actions": {"cs-10": ["off"]}}), "must be one of"),
    "override-all": (version(overrides=[{"late_hours": 1}]), "neither substances nor sites"),
    "override-name": (version(overrides=[{"sites": ["a"], "roles_": []}]), "roles_"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_version_is_refused_with_its_place(name: str) -> None:
    given, complaint = WRONG[name]
    with pytest.raises(PolicyError, match=complaint) as refused:
        read(given)
    assert "\n" not in str(refused.value)


def test_versions_are_in_order_and_have_names_of_their_own() -> None:
    with pytest.raises(PolicyError, match="oldest first"):
        read(version("1", "2026-02-01"), version("2", "2026-02-01"))
    with pytest.raises(PolicyError, match="twice"):
        read(version("1"), version("1", "2026-02-01"))


def test_every_number_that_can_be_set_has_limits() -> None:
    numbers = {one.name for one in fields(Policy) if one.type is int or one.type == "int"}
    assert numbers == set(policies._LIMITS)
    for name, (least, most) in policies._LIMITS.items():
        assert least <= getattr(Policy(), name) <= most


def test_a_service_starts_with_the_policies_of_its_file_and_not_with_a_wrong_one(tmp_path: Path) -> None:
    good, wrong = tmp_path / "good.json", tmp_path / "wrong.json"
    good.write_text(json.dumps({"versions": [version("clinic-7", defaults={"late_hours": 3})]}), encoding="utf-8")
    wrong.write_text(json.dumps({"versions": [version(defaults={"actions": {"cs-05": "off"}})]}), encoding="utf-8")
    assert wiring.register_policies(Settings(register_policies=str(good))).of("", (), LATER).late_hours == 3
    assert wiring.register_policies(Settings()).of("", (), LATER).version == "1"
    with pytest.raises(SettingsError, match=r"REGISTER_POLICIES: .*cs-05 cannot be off"):
        wiring.register_policies(Settings(register_policies=str(wrong)))
    with pytest.raises(SettingsError, match="REGISTER_POLICIES"):
        wiring.register_policies(Settings(register_policies=str(tmp_path / "gone.json")))


def test_the_example_of_the_documentation_is_a_file_that_holds() -> None:
    text = (ROOT / "docs/decisions/0030-law-and-policy.md").read_text(encoding="utf-8")
    example = "\n".join(line[6:] for line in text.splitlines() if line.startswith("      "))
    found = policies.read(example, UTC)
    assert found.of("6130", ["SITE-1"], LATER).open_vial_days == 14
    assert found.of("6130", ["SITE-1"], LATER).action("cs-11") == WARN


def test_every_rule_says_what_it_stands_on() -> None:
    assert len(BASES) > 25
    for rule, basis in BASES.items():
        assert re.fullmatch(r"cs-([0-9]{2}(-[a-z]+)*|[a-z]+)", rule)
        assert basis.kind in (LAW, POLICY)
        assert basis.source
        assert basis.says.endswith(".")
        assert basis.action == REFUSE or basis.may_be_set


def test_every_rule_that_an_answer_names_has_its_basis() -> None:
    codes = json.loads((ROOT / "fhir_profiles/clinic/CodeSystem-rules.json").read_text(encoding="utf-8"))["concept"]
    rules = [one["code"] for one in codes if one["code"].startswith("cs-")]
    assert len(rules) >= 20
    assert [rule for rule in rules if rule not in BASES] == []
