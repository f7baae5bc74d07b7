"""How commands fail: one line on standard error and an exit code, never a traceback for what an operator can mend."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from service.config import SettingsError


class Refusal(click.ClickException):
    """A setting or argument that the command cannot work with."""

    exit_code = 2


class Commands(click.Group):
    """A group whose foreseeable failures are one line on standard error instead of a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command. Raises Refusal or ClickException with the one line."""
        try:
            return super().invoke(ctx)
        except SettingsError as error:
            raise Refusal(str(error)) from error
        except (click.ClickException, click.Abort, click.exceptions.Exit):
            raise
        except Exception as error:
            if line := _explained(error):
                raise click.ClickException(line) from error
            raise


@contextmanager
def refusing() -> Iterator[None]:
    """Within it, what the service refuses is the fault of an argument. Raises Refusal."""
    from service.errors import Overloaded, ServiceError

    try:
        yield
    except Overloaded:
        raise
    except ServiceError as error:
        raise Refusal(str(error)) from error


def _explained(error: Exception) -> str | None:
    """What to tell about a failure that an operator can mend; None for a fault of the service."""
    from sqlalchemy.exc import DBAPIError

    from service.errors import ServiceError
    from service.storage.database import Unsafe
    from service.storage.migrate import OutOfDate

    if isinstance(error, ServiceError | Unsafe | OutOfDate):
        return str(error)
    return f"The database cannot be used: {str(error.orig).strip().splitlines()[0]}" if isinstance(error, DBAPIError) else None
