"""The letters of a report on paper: their widths, how they are written in a PDF, and how text is broken into lines.

The font is in the file, so that it looks the same everywhere; a letter that the font does not have is written as its code point.
"""

import re
from bisect import bisect_right
from functools import cache, cached_property
from itertools import accumulate
from typing import Any

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

PLAIN, BOLD = "Vera", "VeraBd"
_SPECIAL = {"\\": "\\\\", "(": "\\(", ")": "\\)"}
_ODD = re.compile(r"[()\\\x7f]")


@cache
def register() -> None:
    """Make the fonts known, once in a process."""
    for name in (PLAIN, BOLD):
        pdfmetrics.registerFont(TTFont(name, f"{name}.ttf"))


def known(text: str) -> str:
    """The text with the code points of letters that the font does not have."""
    if text.isascii():
        return text
    register()
    letters = pdfmetrics.getFont(PLAIN).face.charToGlyph  # type: ignore[attr-defined]
    return "".join(one if ord(one) in letters else f"[U+{ord(one):04X}]" for one in text)


class Letters:
    """One font at one size, in one document: widths in points, and the operands of its show operators."""

    def __init__(self, document: Any, name: str, size: float) -> None:
        register()
        self.name, self.size = name, size
        self._document = document
        font: Any = pdfmetrics.getFont(name)
        self._font = font
        self._widths: dict[str, float] = {}
        self._font.splitString(" ", document)  # makes the font a part of the document

    @cached_property
    def select(self) -> str:
        """The operator that selects the font."""
        return f"{self._font.getSubsetInternalName(0, self._document)} {self.size} Tf"

    def width(self, text: str) -> float:
        """How wide it is, in points."""
        try:
            return sum(map(self._widths.__getitem__, text))
        except KeyError:
            for one in set(text) - self._widths.keys():
                self._widths[one] = self._font.stringWidth(one, self.size)
            return self.width(text)

    def shown(self, text: str) -> str:
        """The text as a PDF string, in the codes of the font's first subset, which are those of ASCII and some more.

        Of a letter that has no place in there the code point is written.
        """
        if text.isascii() and _ODD.search(text) is None:
            return f"({text})"
        return f"({''.join(map(self._code, text))})"

    def _code(self, letter: str) -> str:
        [(subset, raw)] = self._font.splitString(letter, self._document)
        if subset:
            return f"[U+{ord(letter):04X}]"
        return "".join(_SPECIAL.get(chr(byte)) or (chr(byte) if 32 <= byte < 127 else f"\\{byte:03o}") for byte in raw)

    def lines(self, text: str, width: float) -> list[str]:
        """The text in lines that are no wider, broken at blanks where there are any."""
        if self.width(text) <= width:
            return [text]
        found, line = [], ""
        for word in text.split(" "):
            longer = f"{line} {word}" if line else word
            if self.width(longer) <= width:
                line = longer
                continue
            if line:
                found.append(line)
            *whole, line = self._pieces(word, width)
            found += whole
        return [*found, line]

    def _pieces(self, word: str, width: float) -> list[str]:
        """A word in pieces that are no wider, of a letter at least; it breaks behind a slash where it can."""
        ends = list(accumulate(map(self._widths.__getitem__, word)))
        found, begin = [], 0
        while True:
            before = ends[begin - 1] if begin else 0
            end = max(bisect_right(ends, before + width, begin), begin + 1)
            if end < len(word) and (slash := word.rfind("/", begin, end)) > begin:
                end = slash + 1
            found.append(word[begin:end])
            if end >= len(word):
                return found
            begin = end
