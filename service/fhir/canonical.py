"""The bytes of a resource that a signature is over: what was said, without what a server adds to it.

The JSON of the version without the members `id`, `meta` and `text` of the resource; the members of every object sorted by their names; no
white space; strings escaped no more than need be; numbers in the characters that they were written with; UTF-8. That is FHIR's
canonical form `http://hl7.org/fhir/canonicalization/json#static`, and the id left out too: whoever signs does not know it yet.
https://hl7.org/fhir/R4/json.html#canonical
"""

from service.fhir.document import Json, encode, stored

_LEFT_OUT = frozenset({"id", "meta", "text"})


def signed_bytes(text: str) -> bytes:
    """The bytes to sign for the resource in `text`, decoded or stored."""
    tree = stored(text).tree
    return encode(_sorted({name: value for name, value in tree.items() if name not in _LEFT_OUT})).encode()


def _sorted(tree: Json) -> Json:
    if isinstance(tree, dict):
        return {name: _sorted(tree[name]) for name in sorted(tree)}
    return [_sorted(value) for value in tree] if isinstance(tree, list) else tree
