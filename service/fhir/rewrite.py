"""Changing a document without touching the tokens that do not change.

The record keeps what came in character by character, so a new version number, a resolved reference or a patch is put into the text
where it belongs, and everything around it stays.
"""

from collections import deque
from collections.abc import Mapping

from service.fhir.document import Document, Json, Number, array_text, encode, member_texts, object_text, quoted

Path = tuple[str | int, ...]


def stamped(document: Document, id: str, version: int, last_updated: str) -> str:
    """The text of `document` with `id`, `meta.versionId` and `meta.lastUpdated` set; nothing else changes.

    A member that is there keeps its place; a missing `id` follows `resourceType`, a missing `meta` the `id`, a missing version and
    instant lead `meta`.
    """
    members = member_texts(document.text)
    meta = member_texts(members["meta"]) if isinstance(document.tree.get("meta"), dict) else {}
    server = {"versionId": f'"{version}"', "lastUpdated": f'"{last_updated}"'}
    meta_text = object_text({**{name: text for name, text in server.items() if name not in meta}, **meta, **server})
    members = {**members, "id": quoted(id)} if "id" in members else _after(members, "resourceType", "id", quoted(id))
    members = {**members, "meta": meta_text} if "meta" in members else _after(members, "id", "meta", meta_text)
    return object_text(members)


def replaced(document: Document, values: Mapping[Path, str]) -> Document:
    """`document` with the string at each path replaced; every other token stays as it is. Used to resolve references."""
    if not values:
        return document
    if () in values:
        return Document(quoted(values[()]), values[()])
    inner: dict[str | int, dict[Path, str]] = {}
    for path, value in values.items():
        inner.setdefault(path[0], {})[path[1:]] = value
    if isinstance(document.tree, dict):
        members = document.members()
        for name, below in inner.items():
            members[str(name)] = replaced(members[str(name)], below)
        return Document(object_text({name: one.text for name, one in members.items()}), {name: one.tree for name, one in members.items()})
    elements = document.elements()
    for index, below in inner.items():
        elements[int(index)] = replaced(elements[int(index)], below)
    return Document(array_text(one.text for one in elements), [one.tree for one in elements])


def spliced(old: Document, tree: Json) -> Document:
    """The document of the changed `tree`, with the tokens of `old` kept wherever the value is the same."""
    if _same(old.tree, tree):
        return Document(old.text, tree)
    if isinstance(tree, dict) and isinstance(old.tree, dict):
        members = old.members()
        texts = {name: spliced(members[name], value).text if name in members else encode(value) for name, value in tree.items()}
        written = {name: name for name in members}  # the names of the tree do not know how they were written
        return Document(object_text({written.get(name, name): text for name, text in texts.items()}), tree)
    if isinstance(tree, list) and isinstance(old.tree, list):
        return Document(array_text(_spliced_elements(old.elements(), tree)), tree)
    return Document.of(tree)


def _spliced_elements(old: list[Document], values: list[Json]) -> list[str]:
    """The text of each value: that of an old element that says the same, else the old one at its place, changed, else a new one."""
    places: dict[str, deque[int]] = {}
    for place, element in enumerate(old):
        places.setdefault(encode(element.tree), deque()).append(place)
    unused = set(range(len(old)))
    texts = []
    for index, value in enumerate(values):
        same = places.get(encode(value), deque())
        while same and same[0] not in unused:
            same.popleft()
        if same:
            unused.remove(same[0])
            texts.append(old[same.popleft()].text)
        elif index in unused:
            unused.remove(index)
            texts.append(spliced(old[index], value).text)
        else:
            texts.append(encode(value))
    return texts


def _same(one: Json, other: Json) -> bool:
    """Equality that tells 1.10 from 1.1 and true from 1."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return list(one) == list(other) and all(_same(value, other[name]) for name, value in one.items())
    if isinstance(one, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, Number):
        return bool(one.text == other.text)
    return bool(one == other)


def _after(members: Mapping[str, str], place: str, name: str, text: str) -> dict[str, str]:
    result: dict[str, str] = {}
    for key, value in members.items():
        result[key] = value
        if key == place:
            result[name] = text
    return result
