"""Ids for new resources: UUIDs that begin with the time (RFC 9562 version 7), so that neighbours in time are neighbours in the index."""

import os
import uuid

_VERSION = 7


def new_id(instant: int) -> str:
    """A fresh id for a resource made at `instant` (microseconds since the epoch)."""
    bits = (instant // 1000) << 80 | int.from_bytes(os.urandom(10), "big")
    bits = bits & ~(0xF << 76) | _VERSION << 76
    bits = bits & ~(0b11 << 62) | 0b10 << 62
    return str(uuid.UUID(int=bits))
