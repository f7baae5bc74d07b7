"""Runs the application under gunicorn with threads. `production` says who may be let in, `unlocked` is the door of `demo --no-auth`.

The application is made once, before the workers fork, so that they share the definitions in memory; each opens its own
connections to the database. https://docs.gunicorn.org/en/stable/custom.html
"""

import socket
import struct
import sys
from pathlib import Path
from typing import Any

from gunicorn import glogging
from gunicorn.app.base import BaseApplication

from service.app import create_app
from service.config import Settings
from service.records import lifecycle
from service.server import deadline

_NAME = "service"
_REQUEST_LINE_BYTES = 8190
_GRACE_SECONDS = 30
SILENCE_SECONDS = 10
_KEEPALIVE_SECONDS = 15
_MEMORY = Path("/dev/shm")  # noqa: S108  gunicorn's heartbeat files need no disk, and no writable root


def run(settings: Settings, host: str, port: int) -> None:
    """Serve until the process is told to stop. The database must be at the newest schema. Raises what `create_app` raises."""
    application = create_app(settings)
    parts = application.extensions["infusion_records"]
    lifecycle.started(parts, _NAME)
    parts.database.dispose()
    Server(application, {**options(settings, host, port), "on_exit": lambda _: lifecycle.stopped(parts, _NAME)}).run()


def options(settings: Settings, host: str, port: int) -> dict[str, Any]:
    """gunicorn's settings for the service's own."""
    return {
        "bind": f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
        "workers": settings.worker_processes,
        "threads": settings.threads,
        "worker_class": deadline.worker(settings.body_seconds),
        "preload_app": True,
        "control_socket_disable": True,
        "graceful_timeout": _GRACE_SECONDS,
        "keepalive": _KEEPALIVE_SECONDS,
        "worker_tmp_dir": str(_MEMORY) if _MEMORY.is_dir() else None,
        "limit_request_line": _REQUEST_LINE_BYTES,
        "loglevel": "warning" if settings.log_level == "INFO" else settings.log_level.lower(),
        "logger_class": Log,
        "when_ready": limit_silence,
        "proc_name": "infusion-records",
    }


def limit_silence(server: Any) -> None:
    """Connections on the listeners of `server` break off when the other side neither sends nor takes anything for a while.

    A request occupies a thread from its first byte on, so a few clients that stall could occupy them all. Linux hands the limits of a
    listening socket on to the connections that it accepts: https://man7.org/linux/man-pages/man7/socket.7.html
    """
    for listener in server.LISTENERS:
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            listener.setsockopt(socket.SOL_SOCKET, option, struct.pack("ll", SILENCE_SECONDS, 0))


class Log(glogging.Logger):
    """gunicorn's own log without what a request said: request lines and exception messages may be about a patient."""

    def warning(self, msg: Any, *args: Any, **kwargs: Any) -> None:
        """A warning; of a request that could not be parsed, only that there was one."""
        if str(msg).startswith("Invalid request"):
            super().warning("a request was refused: it is not valid HTTP")
        else:
            super().warning(msg, *args, **kwargs)

    def exception(self, msg: Any, *args: Any, **kwargs: Any) -> None:  # noqa: ARG002
        """The class of the exception that is being handled."""
        super().error("failed outside the application: %s", type(sys.exc_info()[1]).__name__)


class Server(BaseApplication):
    """gunicorn with our options and the application made beforehand."""

    def __init__(self, application: Any, options: dict[str, Any]) -> None:
        self._application = application
        self._options = options
        super().__init__()

    def load_config(self) -> None:
        """Hands gunicorn our options."""
        for name, value in self._options.items():
            if name in self.cfg.settings:  # an older gunicorn has no control socket to switch off
                self.cfg.set(name, value)

    def load(self) -> Any:
        """The application."""
        return self._application
