"""Which definition an operation is about: the stored one in the URL, one that is sent, or the one that a canonical URL names."""

from collections.abc import Mapping
from typing import Any

from service.records.terminology import Terms
from service.rest.exchange import Call
from service.rest.operations import arguments
from service.rest.operations.arguments import Arguments
from service.terminology import grammar, implicit
from service.terminology.code_system import read
from service.terminology.lookup import Canonical, Lookup, Unanswerable, canonical
from service.terminology.overlay import WithSystem

Tree = Mapping[str, Any]


def require_one(call: Call, given: Arguments, url: str, sent: str) -> None:
    """BadRequest unless the definition is named in exactly one way: by the URL of the call, by `url`, or by `sent`."""
    ways = [name for name in (url, sent) if given.has(name)]
    if call.id is not None:
        if ways:
            raise arguments.refused(ways[0], f"The URL names the {call.type} already. Leave '{ways[0]}' out.", "invalid")
    elif len(ways) > 1:
        raise arguments.refused(sent, f"Give '{url}' or '{sent}', not both.", "invalid")
    elif not ways:
        raise arguments.refused(url, f"Which {call.type}? Give its canonical URL as '{url}', or ask at {call.type}/id.", "required")


def value_set(terms: Terms, call: Call, given: Arguments) -> Tree:
    """The ValueSet. Raises Unanswerable for a URL that nothing here has."""
    if call.id is not None:
        return terms.resource("ValueSet", call.id)
    sent = given.resource("valueSet")
    if sent is not None:
        tree: Tree = sent.tree
        return tree
    name = named(given, "url", "valueSetVersion")
    found: Tree | None = implicit.found(terms.lookup, name)
    if found is None:
        raise Unanswerable("not-found", "value-set", f"the value set {str(name)[:200]!r} is not stored here")
    return found


def named(given: Arguments, url: str, version: str) -> Canonical:
    """The canonical URL in the input `url`, which may carry `|version`, or have it in the input `version`."""
    text = given.text(url)
    assert text is not None
    name, stated = canonical(text), given.text(version)
    if stated and name.version not in (None, stated):
        raise arguments.refused(version, f"'{url}' names version {name.version!r} and '{version}' {stated!r}. Leave one out.", "invalid")
    return Canonical(name.url, name.version or stated)


def code_system(terms: Terms, call: Call, given: Arguments) -> tuple[Canonical, Lookup]:
    """The name of the CodeSystem, and a Lookup that has it. Raises Unanswerable for a URL that nothing here has."""
    if call.id is not None:
        return stored_system(terms, call.id)
    sent = given.resource("codeSystem")
    if sent is not None:
        return _overlaid(terms.lookup, sent.tree)
    name = named(given, "url", "version")
    require_known(terms.lookup, name)
    return name, terms.lookup


def stored_system(terms: Terms, id: str) -> tuple[Canonical, Lookup]:
    """The name of the CodeSystem `id`, and a Lookup that has just that one."""
    return _overlaid(terms.lookup, terms.resource("CodeSystem", id))


def _overlaid(lookup: Lookup, tree: Tree) -> tuple[Canonical, Lookup]:
    system = read(tree)
    if not system.url or system.content == "supplement":
        told = "is a supplement, which has no codes of its own" if system.url else "has no url, so that no code is of it"
        raise Unanswerable("business-rule", "code-system", f"the CodeSystem {told}")
    return Canonical(system.url, system.version), WithSystem(lookup, system=system)


def require_known(lookup: Lookup, name: Canonical) -> None:
    """Raises Unanswerable for a code system that is not here and that no grammar decides."""
    if lookup.code_system(name.url, name.version) is None and grammar.of(name.url) is None:
        raise Unanswerable("not-found", "code-system", f"the code system {str(name)[:200]!r} is not stored here")
