"""Every rule that an answer may name is a code of the clinic's CodeSystem of rules, and every code there is the name of a rule."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

from service.errors import RULES_SYSTEM

ROOT = Path(__file__).resolve().parents[2]
PLACES = {
    "Issue": 2,
    "Unanswerable": 1,
    "Unpostable": 0,
    "doubt": 2,
    "error": 1,
    "information": 1,
    "law": 1,
    "of": 1,
    "overloaded": 0,
    "policy": 2,
    "refused": 1,
    "report": 1,
    "warning": 1,
    "_Refused": 0,
    "_refusal": 0,
    "_told": 0,
}
"""Callables that are given the name of a rule, and in which place."""
RULE = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
INVARIANT = re.compile(r"(?!cs-)[a-z]{2,8}-[0-9]+[a-z]?")
"""Invariants of profiles are not listed; `cs-10` is a rule of the register."""
ADD = "add the rule to fhir_profiles/clinic/CodeSystem-rules.json"


def named(argument: ast.expr) -> Iterator[str]:
    """The rules that an argument names: a text, either of two, or the beginning of a built one with a `*`."""
    if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
        yield argument.value
    elif isinstance(argument, ast.IfExp):
        yield from named(argument.body)
        yield from named(argument.orelse)
    elif isinstance(argument, ast.JoinedStr) and isinstance(argument.values[0], ast.Constant):
        yield f"{argument.values[0].value}*"


def used() -> Iterator[str]:
    """The rules that the code names."""
    for path in (ROOT / "service").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                arguments = node.args[PLACES[name] :][:1] if name in PLACES else []
                arguments += [keyword.value for keyword in node.keywords if keyword.arg == "rule"]
                yield from (rule for argument in arguments for rule in named(argument) if RULE.fullmatch(rule.rstrip("*").rstrip("-")))


def documented() -> Iterator[str]:
    """The rules in the tables of the page on validation; some of them the code builds from a name of their syntax."""
    for line in (ROOT / "docs/validation.md").read_text(encoding="utf-8").splitlines():
        if found := re.match(r"\| `([^`]+)` \|", line):
            yield found[1]


def code_system() -> dict[str, str]:
    """The display of each code of the CodeSystem of rules."""
    found = json.loads((ROOT / "fhir_profiles/clinic/CodeSystem-rules.json").read_text(encoding="utf-8"))
    assert found["url"] == RULES_SYSTEM
    codes = [concept["code"] for concept in found["concept"]]
    assert codes == sorted(codes)
    assert all(concept["display"] and concept["definition"] for concept in found["concept"])
    return {concept["code"]: concept["display"] for concept in found["concept"]}


def test_every_rule_that_the_code_names_is_a_code() -> None:
    known = code_system()
    rules = {rule for rule in (*used(), *documented()) if not rule.endswith("*") and not INVARIANT.fullmatch(rule)}
    assert len(rules) > 150
    assert sorted(rules - known.keys()) == [], ADD


def test_every_code_is_a_rule_that_the_code_names() -> None:
    rules = {*used(), *documented()}
    stems = tuple(rule[:-1] for rule in rules if rule.endswith("*"))
    assert stems
    assert [code for code in code_system() if code not in rules and not code.startswith(stems)] == []
