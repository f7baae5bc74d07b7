"""What tells a slice from others, in words: for the message that says which value is missing.

    code.coding.code "8480-6" and code.coding.system "http://loinc.org"

The values that the slice fixes along its discriminators, at the end of the path, above or below it; an extension is told by its URL.
Empty where the slice is told otherwise: by its type, by what exists, or by whether a value meets it.
"""

from collections.abc import Iterator

from service.fhir.document import encode
from service.fhir.profile.element import Node, Slicing

_LONGEST_SHOWN = 300
_STATING = frozenset({"value", "pattern"})


def told(node: Node, slicing: Slicing) -> str:
    """What a value must have to be in the slice `node`; empty when that is no matter of values."""
    if urls := [url for rule in node.types if rule.code == "Extension" for url in rule.profiles]:
        return f"url {encode(urls[0])}"
    paths = [one.path.removeprefix("$this") for one in slicing.discriminators if one.type in _STATING]
    found = dict.fromkeys(text for text in _stated(node, node.path, paths))
    return " and ".join(found)[:_LONGEST_SHOWN]


def _stated(node: Node, root: str, paths: list[str]) -> Iterator[str]:
    """The values that the node and what is below it state, where they have to do with one of the paths."""
    place = node.path[len(root) + 1 :].replace("[x]", "")
    rule = node.fixed or node.pattern
    if rule is not None and any(_is_on(place, path) for path in paths):
        yield f"{place} {encode(rule.value)}".strip()
        return
    for kid in node.children.values():
        yield from _stated(kid, root, paths)
    for part in node.slices.values():
        if part.minimum and place:
            yield from _stated(part, root, paths)


def _is_on(place: str, path: str) -> bool:
    """Whether one of two paths leads through the other."""
    shorter, longer = sorted((place.split("."), path.split(".")), key=len)
    return not all(shorter) or longer[: len(shorter)] == shorter
