"""The service without authentication, restriction and audit, to be compared with: `python -m benchmarks.access.without PORT`.

A composition root for measurements alone. The service has no switch for any of this and knows nothing of this module, which puts functions
that do nothing in the places of the service's own, and takes off its own database's demand for an audit event.
"""

import sys
from collections.abc import Sequence
from typing import Any

from sqlalchemy import text

from service import server, wiring
from service.config import Settings
from service.records import trail
from service.records.write import Mark, Write
from service.rest import audited
from service.security.caller import Caller
from service.web import authentication

_EVERYBODY = Caller.internal("benchmark")
_UNTOLD = Mark(None, b"")  # type: ignore[arg-type]  # a version without an event


def disarm() -> None:
    """For this process: whoever asks is the service itself, which nothing is kept from, and nothing is told."""
    authentication.caller = lambda *_: _EVERYBODY
    audited.answered = audited.refused = trail.note = trail.settle = _nothing  # type: ignore[assignment]
    trail.told = _untold


def take_off(settings: Settings) -> None:
    """Let the database of `settings` take versions without an event."""
    database = wiring.database(settings)
    on = " ON version" if database.dialect == "postgresql" else ""
    with database.engine.connect().execution_options(infusion_write=True) as connection, connection.begin():
        connection.execute(text(f"DROP TRIGGER IF EXISTS version_audited{on}"))
    database.dispose()


def main(port: str) -> None:
    """Serve on `port` until told to stop."""
    settings = Settings.load(port=int(port))
    take_off(settings)
    disarm()
    server.run(settings, "127.0.0.1", int(port))


def _nothing(*_: Any) -> None:
    pass


def _untold(_ctx: object, _tx: object, writes: Sequence[Write]) -> list[Mark]:
    return [_UNTOLD] * len(writes)


if __name__ == "__main__":
    main(*sys.argv[1:])
