"""A resource as it was written: its JSON text beside the parsed tree.

The stored form of a resource is the text that came in. Only insignificant white space goes; every other token keeps its
characters and its place, so `1.10` stays `1.10`, `"\\u00e9"` stays escaped and members keep their order. The parsed tree
serves validation and indexing and is never written back. Decimals are `Number`: exact, and they remember their text
(https://hl7.org/fhir/R4/json.html#decimal: the precision of a decimal is significant).
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from json.encoder import encode_basestring
from typing import Any, Self

import msgspec

from service.errors import BadRequest

Json = Any

_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[^\s"]+', re.DOTALL)
_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_STRING_OR_RUNAWAY = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
"""A string, or one that never ends, up to the end: no quote inside it is tried as a beginning of its own."""
_NOT_BRACKET = re.compile(r"[^\[\]{}]+")
_SUSPECT_ESCAPE = re.compile(r"\\u(?:[dD][89a-fA-F]|0000)")
_LARGEST_EXPONENT = 1000


class Number(Decimal):
    """A JSON number with a fraction or an exponent, or -0: a Decimal that keeps the characters it was written with in `text`."""

    __slots__ = ("text",)
    text: str

    def __new__(cls, text: str) -> Self:
        number = super().__new__(cls, text)
        number.text = text
        return number

    def __deepcopy__(self, _memo: object) -> Self:
        return self

    def __reduce__(self) -> tuple[type[Self], tuple[str]]:
        return type(self), (self.text,)


class _Name(str):
    """A member name that is written with escapes: equal to what it means, and it remembers its token."""

    __slots__ = ("token",)
    token: str

    def __new__(cls, name: str, token: str) -> Self:
        made = super().__new__(cls, name)
        made.token = token
        return made


@dataclass(frozen=True, slots=True)
class Limits:
    """What the decoder accepts: levels of nesting and digits of one number."""

    depth: int = 32
    digits: int = 1000


@dataclass(frozen=True, slots=True)
class Document:
    """JSON as it was written (`text`, minified) and as it was understood (`tree`). The two always agree."""

    text: str
    tree: Json

    @classmethod
    def of(cls, tree: Json) -> Self:
        """The document of a tree that the service itself built."""
        return cls(encode(tree), tree)

    def members(self) -> dict[str, "Document"]:
        """The members of an object, each a document whose text is a slice of this one."""
        return {name: Document(text, self.tree[name]) for name, text in member_texts(self.text).items()}

    def elements(self) -> list["Document"]:
        """The elements of an array, each a document whose text is a slice of this one."""
        slices = msgspec.json.decode(self.text, type=list[msgspec.Raw])
        return [Document(_text(raw), value) for raw, value in zip(slices, self.tree, strict=True)]


def decode(raw: bytes, limits: Limits) -> Document:
    """Strictly decoded JSON (RFC 8259, and the stricter https://hl7.org/fhir/R4/json.html).

    Refused with BadRequest: bytes that are not UTF-8, duplicate member names, NaN and Infinity, nesting deeper than
    `limits.depth`, numbers longer than `limits.digits`, lone surrogates and NUL characters.
    """
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _refusal("json-encoding", f"The body is not UTF-8 at byte {error.start}. Send UTF-8.") from None
    _require_shallow(text, limits.depth)
    tree = _parse(text, limits)
    if _SUSPECT_ESCAPE.search(text):
        _require_characters(tree)
    return Document("".join(_TOKEN.findall(text)), tree)


def stored(text: str) -> Document:
    """The document of a stored body: it was checked when it came in, so it is only parsed."""
    return Document(text, json.loads(text, parse_float=Number))


def encode(tree: Json) -> str:
    """`tree` as compact JSON; a Number is written with its own characters, text is not escaped beyond need."""
    if isinstance(tree, dict):
        return "{" + ",".join(f"{quoted(name)}:{encode(value)}" for name, value in tree.items()) + "}"
    if isinstance(tree, list | tuple):
        return "[" + ",".join(map(encode, tree)) + "]"
    if isinstance(tree, str):
        return quoted(tree)
    if isinstance(tree, Number):
        return tree.text
    if isinstance(tree, Decimal):
        return str(tree)
    return json.dumps(tree, ensure_ascii=False)


def member_texts(text: str) -> dict[str, str]:
    """The members of the JSON object in `text` (minified), each as its slice of the text; names keep their tokens too."""
    members = {name: _text(raw) for name, raw in msgspec.json.decode(text, type=dict[str, msgspec.Raw]).items()}
    return members if "\\" not in text else _as_written(text, members)


def object_text(members: Mapping[str, str]) -> str:
    """The JSON object whose members have these texts."""
    return "{" + ",".join([(f"{name.token}:" if type(name) is _Name else _name(name)) + text for name, text in members.items()]) + "}"


def array_text(texts: Iterable[str]) -> str:
    """The JSON array whose elements have these texts."""
    return "[" + ",".join(texts) + "]"


def quoted(text: str) -> str:
    """`text` as a JSON string, escaped no more than need be."""
    return encode_basestring(text)


def _as_written(text: str, members: Mapping[str, str]) -> dict[str, str]:
    """`members` of the object in `text`, in its order, with the names that hold escapes as they stand there."""
    result, position = {}, len("{")
    for name, value in members.items():
        token = _STRING.match(text, position)
        assert token is not None, "only minified objects are taken apart"
        result[_Name(name, token[0]) if "\\" in token[0] else name] = value
        position = token.end() + len(":") + len(value) + len(",")
    return result


def _text(raw: msgspec.Raw) -> str:
    return str(memoryview(raw), "utf-8")


@lru_cache(maxsize=8192)
def _name(name: str) -> str:
    return quoted(name) + ":"


def _refusal(rule: str, diagnostics: str) -> BadRequest:
    return BadRequest.of("structure" if rule != "json-encoding" else "invalid", rule, diagnostics)


def _require_shallow(text: str, depth: int) -> None:
    brackets = _NOT_BRACKET.sub("", _STRING_OR_RUNAWAY.sub("", text))
    for _ in range(depth):
        inner = brackets.replace("{}", "").replace("[]", "")
        if len(inner) == len(brackets):
            break
        brackets = inner
    # a few brackets without partners are left to the parser, which says where
    if len(brackets) > depth or "{}" in brackets or "[]" in brackets:
        raise _refusal("json-depth", f"The JSON nests deeper than {depth} levels, or its brackets do not match. Flatten or close it.")


class _Refused(ValueError):
    """Raised inside the decoder, where no path is known yet."""

    def __init__(self, rule: str, diagnostics: str) -> None:
        super().__init__(diagnostics)
        self.rule = rule


def _parse(text: str, limits: Limits) -> Json:
    def whole(digits: str) -> int | Number:
        if len(digits) > limits.digits:
            raise _Refused("json-number", f"A number has more than {limits.digits} characters. Shorten it.")
        return Number(digits) if digits == "-0" else int(digits)

    def fraction(digits: str) -> Number:
        if len(digits) > limits.digits:
            raise _Refused("json-number", f"A number has more than {limits.digits} characters. Shorten it.")
        try:
            number = Number(digits)
        except InvalidOperation:
            raise _Refused("json-number", "A number has an exponent out of range. Use a smaller one.") from None
        if number and abs(number.adjusted()) > _LARGEST_EXPONENT:
            raise _Refused("json-number", f"A number lies beyond 1E{_LARGEST_EXPONENT}. Use a smaller exponent.")
        return number

    try:
        return json.loads(text, object_pairs_hook=_unique, parse_int=whole, parse_float=fraction, parse_constant=_constant)
    except _Refused as error:
        raise _refusal(error.rule, str(error)) from None
    except (ValueError, RecursionError) as error:
        where = f" at line {error.lineno}, column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
        raise _refusal("json-syntax", f"The body is not valid JSON{where}. Send one JSON value in the syntax of RFC 8259.") from None


def _first_repeated(pairs: list[tuple[str, Json]]) -> str:
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            return name
        seen.add(name)
    raise ValueError("no name is repeated")


def _unique(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _Refused("json-duplicate", f"The member {_first_repeated(pairs)[:64]!r} stands twice in one object. Keep one.")
    return members


def _constant(name: str) -> Json:
    raise _Refused("json-number", f"{name} is not a JSON number. Leave the value out, or give a dataAbsentReason.")


def _require_characters(tree: Json) -> None:
    """Refuse what no UTF-8 text can hold: lone surrogates; and NUL, which no FHIR string may hold."""
    stack = [tree]
    while stack:
        value = stack.pop()
        if isinstance(value, dict):
            stack.extend(value)
            stack.extend(value.values())
        elif isinstance(value, list):
            stack.extend(value)
        elif isinstance(value, str) and ("\x00" in value or any("\ud800" <= character <= "\udfff" for character in value)):
            raise _refusal("json-character", "A string holds a NUL or half of a surrogate pair. Remove the character.")
