"""From settings to the running parts. Nothing else constructs them."""

from functools import lru_cache
from pathlib import Path

from service import clock
from service.config import PREFIX, Settings, SettingsError
from service.fhir import definitions, library
from service.fhir.library import Library, PackageError
from service.fhir.profile.merge import ProfileError
from service.ledger import policies
from service.ledger.policies import Policies, PolicyError
from service.outbound.address import private_hosts
from service.outbound.client import Outbound
from service.records.context import Service
from service.search.paging import Cursors
from service.search.parameter import Registry
from service.search.registries import Registries
from service.security.external.configured import configured
from service.security.identity import Identity
from service.storage import marks, secrets
from service.storage.database import Database, Limits
from service.terminology.shelf import Shelf
from service.validation.check import Gate
from service.validation.profile.hold import Holder

_CURSOR_KEY = "cursor-key"


def database(settings: Settings) -> Database:
    """The database that `settings` name, not yet looked at."""
    limits = Limits(settings.write_seconds, settings.statement_seconds, settings.busy_seconds, settings.pool_size)
    return Database(settings.database_url, limits)


def service(settings: Settings) -> Service:
    """All parts, on a database that is at the newest schema.

    Raises storage.database.Unsafe for a database that could lose writes, SettingsError for a resource type that R4 does not know.
    """
    facts = (settings.resource_types, settings.base_url, settings.time_zone, settings.packages)
    defined = _defined(*facts)
    known = defined.definitions
    store = database(settings)
    store.require_durable()
    registries = Registries(store, defined)
    registries.start()
    identity = Identity.of(settings.base_url, frozenset(known.all_types), outbound(settings))
    key = settings.cursor_key or secrets.obtain(store, _CURSOR_KEY)
    return Service(
        settings=settings,
        database=store,
        definitions=known,
        library=_library(settings.packages),
        registries=registries,
        gate=_gate(facts, settings.required_profiles, settings.unknown_profile),
        cursors=Cursors(key.encode()),
        clock=clock.now,
        identity=identity,
        policies=register_policies(settings),
        provider=configured(settings, identity.grammar, identity.outbound),
        is_insecure=marks.since(store, marks.INSECURE) is not None,
    )


def outbound(settings: Settings) -> Outbound:
    """The one way out of this process. Raises SettingsError for private hosts that are malformed."""
    try:
        private = private_hosts(settings.outbound_private_hosts)
    except ValueError as error:
        raise SettingsError(f"{PREFIX}OUTBOUND_PRIVATE_HOSTS is malformed: {error}") from error
    return Outbound(private, settings.outbound_authorities or None)


def register_policies(settings: Settings) -> Policies:
    """The policies of the register: those of a file, or as shipped."""
    try:
        return policies.load(Path(settings.register_policies or policies.SHIPPED), settings.zone)
    except PolicyError as error:
        raise SettingsError(f"{PREFIX}REGISTER_POLICIES: {error}") from error


@lru_cache(maxsize=4)
def _defined(resource_types: str, base_url: str, time_zone: str, packages: str) -> Registry:
    """What FHIR and the clinic define; it holds no data, so that services in one process share it."""
    try:
        known = definitions.load(resource_types)
    except ValueError as error:
        raise SettingsError(f"{PREFIX}RESOURCE_TYPES is malformed: {error}") from error
    return Registry(known, base_url, time_zone, shelf=Shelf(_library(packages)))


@lru_cache(maxsize=4)
def _gate(defined: tuple[str, str, str, str], required: str, unknown: str) -> Gate:
    """The gate, with the profiles that the service knows; it holds no data, so that services in one process share it."""
    known = _defined(*defined).definitions
    try:
        return Gate(known, Holder(known, _library(defined[3]), required, unknown == "refuse"))
    except ProfileError as error:
        raise SettingsError(f"{PREFIX}REQUIRED_PROFILES is malformed: {error}") from error


@lru_cache(maxsize=4)
def _library(packages: str) -> Library:
    """The definitions that were shipped, and those of the package directory."""
    try:
        return library.load(packages=Path(packages) if packages else None)
    except PackageError as error:
        raise SettingsError(f"{PREFIX}PACKAGES: {error}") from error
