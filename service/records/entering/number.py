"""The ledger number of a form: made when the form is shown, so that a form that is sent twice counts once.

It is a UUID of version 7 in 26 characters of Crockford's base 32, which nobody has to agree on with anybody: no counter, no race. Numbers
made one after the other sort so. https://www.crockford.com/base32.html
"""

import re
import uuid

from service.records.identity import new_id

_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LENGTH = 26
_NUMBER = re.compile(f"L-[{_DIGITS}]{{{_LENGTH}}}")


def fresh(instant: int) -> str:
    """A number that nobody else has, made at `instant` (microseconds since the epoch)."""
    left, digits = uuid.UUID(new_id(instant)).int, ""
    for _ in range(_LENGTH):
        left, digit = divmod(left, len(_DIGITS))
        digits = _DIGITS[digit] + digits
    return f"L-{digits}"


def is_number(text: str) -> bool:
    """Whether the text has the shape of a number of a form."""
    return bool(_NUMBER.fullmatch(text))
