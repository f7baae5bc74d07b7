"""What an answer must be, said in names (resource type, number) that the clinic's numbers give."""

from collections.abc import Iterable, Mapping
from typing import Any

from benchmarks.search.asking import Answer, Check
from benchmarks.search.dataset.identity import Name


def exactly(names: Iterable[Name], included: Iterable[Name] = ()) -> Check:
    """These matches and no others, in any order, and these included resources."""
    wanted, beside = sorted(names), sorted(included)

    def check(answer: Answer) -> str | None:
        if sorted(answer.matches) != wanted:
            return f"{len(answer.matches)} matches instead of {len(wanted)}: {_difference(answer.matches, wanted)}"
        if sorted(answer.included) != beside:
            return f"{len(answer.included)} included instead of {len(beside)}: {_difference(answer.included, beside)}"
        return None

    return check


def page(keys: Mapping[Name, Any], count: int, descending: bool = False, skip: int = 0) -> Check:
    """The page of `count` after `skip`, sorted by the keys; matches with equal keys may come in any order.

    Where all keys are equal the order is the service's own, and any `count` of them will do.
    """
    wanted = sorted(keys.values(), reverse=descending)[skip : skip + count]

    def check(answer: Answer) -> str | None:
        if len(set(answer.matches)) != len(answer.matches):
            return "a match stands twice on the page"
        foreign = [name for name in answer.matches if name not in keys]
        if foreign:
            return f"{len(foreign)} resources that do not match, as {foreign[0]}"
        found = [keys[name] for name in answer.matches]
        if found != wanted:
            return f"not the {len(wanted)} that come first: {found[:3]} ... instead of {wanted[:3]} ..., {len(found)} in all"
        return None

    return check


def any_of(names: Iterable[Name], count: int) -> Check:
    """Any `count` of these, or all when they are fewer."""
    return page(dict.fromkeys(names, 0), count)


def counted(total: int) -> Check:
    """A total and no entries."""

    def check(answer: Answer) -> str | None:
        if answer.total != total or answer.resources:
            return f"total {answer.total} instead of {total}, {len(answer.resources)} entries"
        return None

    return check


def with_total(check: Check, total: int) -> Check:
    """`check`, and the total."""
    return lambda answer: check(answer) or (f"total {answer.total} instead of {total}" if answer.total != total else None)


def holding(names: Iterable[Name]) -> Check:
    """All of these among what the answer holds."""
    wanted = set(names)

    def check(answer: Answer) -> str | None:
        missing = wanted - set(answer.matches) - set(answer.included)
        return f"{len(missing)} of {len(wanted)} are missing, as {min(missing)}" if missing else None

    return check


def _difference(found: Iterable[Name], wanted: Iterable[Name]) -> str:
    return f"missing {sorted(set(wanted) - set(found))[:3]}, not asked for {sorted(set(found) - set(wanted))[:3]}"
