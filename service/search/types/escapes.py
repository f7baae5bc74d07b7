r"""Search values carry `\,` `\|` `\$` `\\` for characters that otherwise separate (https://hl7.org/fhir/R4/search.html#escaping)."""

import re

_ESCAPE = re.compile(r"\\([,|$\\])")
_SPECIAL = re.compile(r"([,|$\\])")


def split(text: str, separator: str) -> list[str]:
    """The parts between separators that are not escaped; the parts keep their escapes."""
    if "\\" not in text:
        return text.split(separator)
    parts, part, at = [], "", 0
    while at < len(text):
        if text[at] == "\\" and at + 1 < len(text):
            part += text[at : at + 2]
            at += 2
            continue
        if text[at] == separator:
            parts.append(part)
            part = ""
        else:
            part += text[at]
        at += 1
    return [*parts, part]


def unescaped(text: str) -> str:
    """The characters that `text` stands for. A backslash before anything else is itself."""
    return _ESCAPE.sub(r"\1", text) if "\\" in text else text


def escaped(text: str) -> str:
    """`text` with every separator escaped: `unescaped(escaped(text)) == text`."""
    return _SPECIAL.sub(r"\\\1", text)
