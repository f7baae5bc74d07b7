"""The settings: frozen, read once, from environment variables with the prefix INFUSION_RECORDS_ and from a `.env` file.

The environment wins over the file. `NAME_FILE` names a file that holds the value of NAME, which keeps secrets out of the environment.
A setting that is unknown or malformed stops the start with a SettingsError of one line that names it. This module is
the only reader of the environment. The README documents every setting; a test compares.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import Field, dataclass, field, fields, replace
from datetime import date
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dotenv import dotenv_values
from environs import EnvValidationError, FileAwareEnv
from marshmallow import ValidationError, validate

PREFIX = "INFUSION_RECORDS_"
DEFAULT_PORT = 8080
MEBIBYTE = 1024 * 1024
_FROM_FILE = "_FILE"
_DATABASES = ("sqlite:///", "postgresql://", "postgresql+psycopg://")
_MEDIA_TYPES = (
    "application/dicom",
    "application/pdf",
    "application/octet-stream",
    "image/jpeg",
    "image/png",
    "image/tiff",
    "text/csv",
    "text/plain",
)

VITAL_SIGNS = "http://hl7.org/fhir/StructureDefinition/vitalsigns?category=vital-signs"

Validator = Callable[[Any], Any]


class SettingsError(Exception):
    """A setting that the service cannot start with; the message is one line that names it."""


def _setting(kind: str, default: Any, *validators: Validator, secret: bool = False) -> Any:
    """A field of Settings: the environs parser that reads it, its default, and what its value must satisfy."""
    return field(default=default, repr=not secret, metadata={"kind": kind, "validators": validators})


def _text(default: str, *validators: Validator, secret: bool = False) -> str:
    text: str = _setting("str", default, *validators, secret=secret)
    return text


def _switch(default: bool) -> bool:
    switch: bool = _setting("bool", default)
    return switch


def _count(default: int, least: int = 1, most: int = 2**31 - 1) -> int:
    count: int = _setting("int", default, validate.Range(least, most))
    return count


def _seconds(default: float) -> float:
    seconds: float = _setting("float", default, validate.Range(0.1, 3600))
    return seconds


def _known_zone(name: str) -> None:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValidationError("Must be a time zone of the IANA database, such as UTC or America/Denver.") from error


def _absolute_base(url: str) -> None:
    validate.URL(schemes={"http", "https"}, require_tld=False)(url)
    if url.endswith("/") or "?" in url or "#" in url:
        raise ValidationError("Must end without a slash, a query or a fragment.")


def _database(url: str) -> None:
    if not url.startswith(_DATABASES):
        raise ValidationError(f"Must begin with one of {', '.join(_DATABASES)}.")
    if ":memory:" in url or url == "sqlite:///":
        raise ValidationError("Must name a file: a database in memory would be lost, and different for every connection.")


def _long_or_empty(key: str) -> None:
    if 0 < len(key) < 32:
        raise ValidationError("Must have at least 32 characters, or be empty to let the database keep one.")


def _media_types(text: str) -> None:
    for name in filter(None, map(str.strip, text.split(","))):
        validate.Regexp(r"^[a-z]+/[a-z0-9.+-]+$", error="Must be media types such as application/pdf, separated by commas.")(name)


def _networks(text: str) -> None:
    try:
        for one in filter(None, map(str.strip, text.split(","))):
            ip_network(one)
    except ValueError as error:
        raise ValidationError("Must be addresses or networks such as 10.0.0.7 or 10.0.0.0/24, separated by commas.") from error


def _file_or_empty(path: str) -> None:
    if path and not Path(path).is_file():
        raise ValidationError("Must be a file that exists, with certificates in PEM.")


def _policies_or_empty(path: str) -> None:
    if path and not Path(path).is_file():
        raise ValidationError("Must be a file that exists, with the policies of the register in JSON.")


def _pairs(text: str) -> None:
    for pair in filter(None, map(str.strip, text.split(","))):
        validate.Regexp(r"^[^=\s]+=[a-z-]+$", error="Must be pairs such as nurse=clinician, separated by commas.")(pair)


def _names(text: str) -> None:
    for name in filter(None, map(str.strip, text.split(","))):
        validate.Regexp(r"^[A-Za-z0-9-]+$", error="Must be names, separated by commas.")(name)


def _dates(text: str) -> None:
    try:
        for one in filter(None, map(str.strip, text.split(","))):
            date.fromisoformat(one)
    except ValueError as error:
        raise ValidationError("Must be dates such as 2026-11-26, separated by commas.") from error


def _openid(scopes: str) -> None:
    if "openid" not in scopes.split():
        raise ValidationError("Must hold openid.")


def _folder_or_empty(path: str) -> None:
    if path and not Path(path).is_dir():
        raise ValidationError("Must be a directory that exists, with FHIR packages (*.tgz) in it.")


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set. Sizes are bytes, times are in the unit that ends the name. Tests build it directly."""

    database_url: str = _text("sqlite:///var/infusion-records.db", _database, secret=True)
    base_url: str = _text(f"http://127.0.0.1:{DEFAULT_PORT}/fhir", _absolute_base)
    time_zone: str = _text("UTC", _known_zone)
    holidays: str = _text("", _dates)
    vial_opening: str = _text("flag", validate.OneOf(["flag", "receipt"]))
    register_policies: str = _text("", _policies_or_empty)
    cursor_key: str = _text("", _long_or_empty, secret=True)
    resource_types: str = _text("")
    packages: str = _text("", _folder_or_empty)
    required_profiles: str = _text(VITAL_SIGNS)
    unknown_profile: str = _text("warn", validate.OneOf(["warn", "refuse"]))
    check_references: bool = _switch(True)
    conditional_delete_multiple: bool = _switch(False)
    conditional_delete_max: int = _count(100)
    binary_types: str = _text(",".join(_MEDIA_TYPES), _media_types)
    body_bytes: int = _count(2 * MEBIBYTE)
    bundle_bytes: int = _count(16 * MEBIBYTE)
    bundle_entries: int = _count(1000)
    bundle_answer_bytes: int = _count(64 * MEBIBYTE)
    bundle_read_seconds: float = _seconds(10.0)
    json_depth: int = _count(32, most=200)
    number_digits: int = _count(1000, most=4000)
    page_default: int = _count(50)
    page_max: int = _count(1000)
    include_max: int = _count(5000)
    explain: bool = _switch(False)
    write_seconds: float = _seconds(30.0)
    statement_seconds: float = _seconds(30.0)
    busy_seconds: float = _seconds(10.0)
    pool_size: int = _count(8, most=1000)
    body_seconds: float = _seconds(30.0)
    rate_limit: int = _count(12_000, least=0)
    rate_limit_tokens: int = _count(60, least=0)
    rate_limit_sign_in: int = _count(30, least=0)
    idempotency_hours: int = _count(24)
    disclosure_roles: str = _text("ehr,auditor,subscriber", _names)
    disclosure_exempt_purposes: str = _text("TREAT,ETREAT,HPAYMT,HOPERAT", _names)
    outbound_private_hosts: str = _text("")
    outbound_authorities: str = _text("", _file_or_empty)
    trusted_proxies: str = _text("", _networks)
    authentication: str = _text("builtin", validate.OneOf(["builtin", "external"]))
    oidc_issuer: str = _text("")
    oidc_audience: str = _text("")
    oidc_hosts: str = _text("")
    oidc_roles_claim: str = _text("roles", validate.Length(min=1))
    oidc_patient_claim: str = _text("patient", validate.Length(min=1))
    oidc_user_claim: str = _text("fhirUser", validate.Length(min=1))
    oidc_roles: str = _text("", _pairs)
    oidc_client_id: str = _text("")
    oidc_client_secret: str = _text("", secret=True)
    oidc_scopes: str = _text("openid fhirUser profile", _openid)
    people_key: str = _text("", _long_or_empty, secret=True)
    session_idle_minutes: int = _count(15, most=60)
    session_hours: int = _count(12, most=24)
    audit_key: str = _text("", secret=True)
    audit_checkpoints: str = _text("")
    register_exports: str = _text("var/register-exports", validate.Length(min=1))
    register_export_days: int = _count(7, most=90)
    workers: int = _count(0, least=0, most=64)
    threads: int = _count(4, most=64)
    log_level: str = _text("INFO", validate.OneOf(["DEBUG", "INFO", "WARNING", "ERROR"]))

    @classmethod
    def load(cls, env_file: Path = Path(".env"), port: int | None = None, host: str = "127.0.0.1", **overrides: Any) -> Self:
        """The settings of this process; `overrides` are values given on the command line.

        The default BASE_URL follows `port`, and `host` where that is an IPv6 address.

        Raises SettingsError for an unknown name, a malformed value or a secret file that cannot be read.
        """
        given = _given(env_file)
        _refuse_unknown(given, {item.name.upper() for item in fields(cls)})
        settings = cls(**_parsed(env_file, fields(cls)))
        if port is not None and not given & {"BASE_URL", "BASE_URL" + _FROM_FILE}:
            name = f"[{host}]" if ":" in host else "127.0.0.1"
            settings = replace(settings, base_url=f"http://{name}:{port}/fhir")
        return settings.with_values(**overrides)

    def with_values(self, **overrides: Any) -> Self:
        """A copy with some values replaced; those that are None stay as they are."""
        return replace(self, **{name: value for name, value in overrides.items() if value is not None})

    @property
    def zone(self) -> ZoneInfo:
        """The clinic's time zone, for dates that come without an offset."""
        return ZoneInfo(self.time_zone)

    @property
    def is_external(self) -> bool:
        """Whether an OpenID provider of somebody else says who asks, in the place of tokens and accounts of our own."""
        return self.authentication == "external"

    @property
    def is_sqlite(self) -> bool:
        """Whether the database is an SQLite file."""
        return self.database_url.startswith("sqlite")

    @property
    def worker_processes(self) -> int:
        """WORKERS, or what suits the database: SQLite has one writer at a time and gains nothing from a second process."""
        return self.workers or (1 if self.is_sqlite else 3)


def _given(env_file: Path) -> set[str]:
    """The names that carry our prefix, in the environment or in the file, without the prefix."""
    written = dotenv_values(env_file) if env_file.is_file() else {}
    return {name.removeprefix(PREFIX) for name in (*os.environ, *written) if name.startswith(PREFIX)}


def _refuse_unknown(given: set[str], known: set[str]) -> None:
    for name in sorted(given):
        if name not in known and name.removesuffix(_FROM_FILE) not in known:
            raise SettingsError(f"{PREFIX}{name} is not a setting. Correct its name or remove it; the README lists all settings.")


def _parsed(env_file: Path, settings: tuple[Field[Any], ...]) -> dict[str, Any]:
    source = FileAwareEnv(prefix=PREFIX, eager=False, strip_whitespace=True)
    if env_file.is_file():
        source.read_env(env_file, recurse=False)
    try:
        values = {item.name: _value(source, item) for item in settings}
        source.seal()
    except EnvValidationError as error:
        raise SettingsError("; ".join(_complaints(error))) from error
    except ValueError as error:
        raise SettingsError(str(error)) from error
    return values


def _value(source: FileAwareEnv, item: Field[Any]) -> Any:
    read = getattr(source, item.metadata["kind"])
    return read(item.name.upper(), default=item.default, validate=list(item.metadata["validators"]))


def _complaints(error: EnvValidationError) -> Iterator[str]:
    messages = error.error_messages
    if isinstance(messages, dict):
        for name, reasons in messages.items():
            yield f"{name} is malformed: {' '.join(map(str, reasons))}"
