"""Text without what people leave out when they type it: case, accents, superfluous white space, ways to encode a letter.

Both sides of a comparison are folded the same way: compatibility decomposition, case folding, marks dropped, white space joined. To the
letter means after composition (NFC), so that a letter typed with a combining accent is the letter with that accent.
https://www.unicode.org/reports/tr15/, https://hl7.org/fhir/R4/search.html#string
"""

import unicodedata

AFTER_ALL = "\U0010ffff"
"""Sorts after every character."""
_NO_CHARACTERS = dict.fromkeys((0xFFFE, 0xFFFF), "\ufffd")
"""SQLite compares these two as the replacement character; so do we, on every database."""


def folded(text: str) -> str:
    """`text` without case, accents and superfluous white space."""
    if text.isascii():
        return " ".join(text.lower().split())
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold()).translate(_NO_CHARACTERS)
    return " ".join("".join(character for character in decomposed if not unicodedata.combining(character)).split())


def composed(text: str) -> str:
    """`text` with every letter and its accents as one character, where there is one."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)
