"""The two ways in which a request to another server ends without an answer.

`Refused`: it was not made, and nothing left this machine. `Failed`: it was begun and did not come to its end.
Both carry `reason`, a kebab-case word for logs and decisions; their text holds neither the URL nor anything that the server sent.
"""


class OutboundError(Exception):
    """A request to another server that gave no answer. `reason` is a kebab-case word."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


class Refused(OutboundError):
    """The guard did not let the request out. Nothing was sent; the same request will be refused again."""


class Failed(OutboundError):
    """The request went out and brought no acceptable answer: no connection, no trust, a redirect, too much, too slow."""
