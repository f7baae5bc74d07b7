"""The keys under which the index stores parameters, code systems and long text: stable hashes, the same on every machine.

Text longer than an index entry may be is stored by its head and a digest of the whole: equal text has equal keys, and keys of text
with the same head stay together.
"""

from functools import lru_cache
from hashlib import blake2b

LONGEST = 200
"""Characters of a key that is stored as it is: at four bytes each, and with its neighbours, within PostgreSQL's 2,704 bytes."""


def parameter_key(type: str, code: str) -> int:
    """The number of a parameter of a resource type: 32 bits, signed. The registry refuses two with the same number."""
    return int.from_bytes(blake2b(f"{type}.{code}".encode(), digest_size=4).digest(), "big", signed=True)


@lru_cache(maxsize=4096)
def system_key(system: str) -> int:
    """The number of a code system or naming system: 64 bits, signed; 0 stands for none."""
    return digest(system) if system else 0


def digest(text: str) -> int:
    """64 bits, signed, of any text; never 0."""
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big", signed=True) or 1


def text_key(text: str) -> str:
    """`text`, or for a long one its head and a digest."""
    if len(text) <= LONGEST:
        return text
    return f"{text[:LONGEST]}\x01{digest(text) & (2**64 - 1):016x}"
