"""The policies of a clinic, read from the file that the setting REGISTER_POLICIES names: versions, each with overrides.

The file is JSON: `{"versions": [{"version": "2", "since": "2026-12-01", "defaults": {...}, "overrides": [{"substances": ["6130"],
"sites": ["SITE-1"], ...}]}]}`. Defaults and overrides hold the names of Policy; what is missing is as shipped. `actions` maps ids of
rules to refuse, warn or off. An override holds for its substances (codes, RxNorm first) and sites (ids or identifiers of Locations), for
all where it names none; a later one wins over an earlier. `note` says why and is not read. A version holds from `since` until the next;
the first one also before that. An event is judged by what was in force when it happened.
"""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import tzinfo
from pathlib import Path
from types import MappingProxyType
from typing import Any

from service.fhir import temporal
from service.ledger.basis import BASES, OFF, REFUSE, WARN
from service.ledger.policy import Policy

SHIPPED = Path(__file__).with_name("policies.json")
"""What holds in a clinic that sets nothing."""

_LARGEST_FILE = 1024 * 1024
_LIMITS: Mapping[str, tuple[int, int]] = {
    "tolerance_ug": (0, 100_000),
    "tolerance_permille": (0, 100),
    "witness_minutes": (1, 1440),
    "skew_minutes": (0, 60),
    "late_hours": (1, 8760),
    "open_vial_days": (1, 3650),
    "draw_open_hours": (1, 720),
    "weight_days": (1, 3650),
    "count_estimate_permille": (0, 1000),
}
"""The least and the most of each number. Beyond them a limit would be none."""
_ACTIONS = (REFUSE, WARN, OFF)
_VERSION_NAMES = {"version", "since", "defaults", "overrides", "note"}
_OVERRIDE_NAMES = {"substances", "sites", "note"}


class PolicyError(ValueError):
    """A file of policies that cannot be used; the message is one line that names the place."""


@dataclass(frozen=True, slots=True)
class Override:
    """What holds instead for some substances and sites: for all of them where a set is empty."""

    substances: frozenset[str]
    sites: frozenset[str]
    values: Mapping[str, Any]

    def fits(self, substance: str, site: Collection[str]) -> bool:
        """Whether it holds for this substance at a site with these names."""
        return (not self.substances or substance in self.substances) and (not self.sites or not self.sites.isdisjoint(site))


@dataclass(frozen=True, slots=True)
class Version:
    """The policies from an instant (microseconds) on."""

    since: int
    policy: Policy
    overrides: tuple[Override, ...] = ()


@dataclass(frozen=True, slots=True)
class Policies:
    """All versions, the oldest first. Safe to share between threads."""

    versions: tuple[Version, ...]
    _found: dict[tuple[int, tuple[bool, ...]], Policy] = field(default_factory=dict, compare=False, repr=False)

    def of(self, substance: str, site: Collection[str], instant: int) -> Policy:
        """The policies in force at `instant` (microseconds) for a substance (its code) at a site (its id and identifiers)."""
        number = max((place for place, one in enumerate(self.versions) if one.since <= instant), default=0)
        version = self.versions[number]
        names = (site,) if isinstance(site, str) else site
        fitting = tuple(one.fits(substance, names) for one in version.overrides)
        if not any(fitting):
            return version.policy
        key = (number, fitting)
        if key not in self._found:
            self._found[key] = _overridden(version, fitting)
        return self._found[key]


def _overridden(version: Version, fitting: tuple[bool, ...]) -> Policy:
    found = version.policy
    for override, fits in zip(version.overrides, fitting, strict=True):
        if fits:
            found = _with(found, override.values)
    return found


def _with(policy: Policy, values: Mapping[str, Any]) -> Policy:
    actions = MappingProxyType({**policy.actions, **values.get("actions", {})})
    return replace(policy, **{**values, "actions": actions})


def shipped(zone: tzinfo) -> Policies:
    """The policies that come with the service."""
    return load(SHIPPED, zone)


def load(path: Path, zone: tzinfo) -> Policies:
    """The policies of a file; dates in it are days of `zone`. Raises PolicyError."""
    try:
        with path.open("rb") as file:
            raw = file.read(_LARGEST_FILE + 1)
        text = raw.decode("utf-8-sig")
    except (OSError, ValueError) as error:
        raise PolicyError(f"{path} cannot be read: {error}") from error
    if len(raw) > _LARGEST_FILE:
        raise PolicyError(f"{path} is larger than a megabyte.")
    return read(text, zone)


def read(text: str, zone: tzinfo) -> Policies:
    """The policies of a JSON text. Raises PolicyError."""
    try:
        tree = json.loads(text, object_pairs_hook=_unique)
    except PolicyError:
        raise
    except (ValueError, RecursionError) as error:
        raise PolicyError(f"It is no JSON: {error}") from error
    given = _list(_object(tree, "The file", {"versions", "note"}).get("versions"), "versions")
    if not given:
        raise PolicyError("versions is empty. State at least one.")
    versions = tuple(_version(one, f"versions[{place}]", zone) for place, one in enumerate(given))
    _require_order(versions)
    return Policies(versions)


def _require_order(versions: tuple[Version, ...]) -> None:
    names = [one.policy.version for one in versions]
    for place in range(1, len(versions)):
        if versions[place].since <= versions[place - 1].since:
            raise PolicyError(f"versions[{place}].since is not later than the one before it. Put the oldest first.")
        if names[place] in names[:place]:
            raise PolicyError(f"versions[{place}].version is there twice. Give every version a name of its own.")


def _version(given: object, where: str, zone: tzinfo) -> Version:
    tree = _object(given, where, _VERSION_NAMES)
    name, since = tree.get("version"), tree.get("since")
    if not isinstance(name, str) or not 0 < len(name) <= 40 or not name.isprintable() or name != name.strip():
        raise PolicyError(f"{where}.version is missing or no name of at most 40 characters.")
    try:
        instant = temporal.interval(since if isinstance(since, str) else "", zone).lo
    except ValueError as error:
        raise PolicyError(f"{where}.since is missing or no date, as in 2026-12-01.") from error
    values = _values(tree.get("defaults", {}), f"{where}.defaults")
    overrides = _list(tree.get("overrides", []), f"{where}.overrides")
    policy = _with(Policy(version=name), values)
    return Version(instant, policy, tuple(_override(one, f"{where}.overrides[{place}]") for place, one in enumerate(overrides)))


def _override(given: object, where: str) -> Override:
    tree = _object(given, where, None)
    values = {name: value for name, value in tree.items() if name not in _OVERRIDE_NAMES}
    substances, sites = (frozenset(_names(tree.get(name, []), f"{where}.{name}")) for name in ("substances", "sites"))
    if not substances and not sites:
        raise PolicyError(f"{where} names neither substances nor sites. What holds for all belongs into defaults.")
    return Override(substances, sites, _values(values, where))


def _values(given: object, where: str) -> dict[str, Any]:
    known = {one.name for one in fields(Policy)} - {"version"}
    tree = _object(given, where, known)
    found: dict[str, Any] = {name: _number(tree[name], f"{where}.{name}", *_LIMITS[name]) for name in _LIMITS if name in tree}
    if "roles" in tree:
        found["roles"] = frozenset(_names(tree["roles"], f"{where}.roles"))
        if not found["roles"]:
            raise PolicyError(f"{where}.roles is empty, so that nobody could give anything. Name at least one.")
    if "actions" in tree:
        found["actions"] = MappingProxyType(dict(_actions(tree["actions"], f"{where}.actions")))
    return found


def _actions(given: object, where: str) -> Iterator[tuple[str, str]]:
    for rule, action in _object(given, where, None).items():
        basis = BASES.get(rule)
        if basis is None:
            raise PolicyError(f"{where} names {rule[:40]!r}, which is no rule.")
        if action not in _ACTIONS:
            raise PolicyError(f"{where}.{rule} must be one of {', '.join(_ACTIONS)}.")
        if action != REFUSE and not basis.may_be_set:
            reason = f"it is {basis.kind} ({basis.source})"
            raise PolicyError(f"{where}.{rule} cannot be {action}: {reason} and holds always. Take it out.")
        yield rule, str(action)


def _number(value: object, where: str, least: int, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise PolicyError(f"{where} must be a whole number from {least} to {most}.")
    return value


def _names(value: object, where: str) -> list[str]:
    found = _list(value, where)
    if not all(isinstance(one, str) and 0 < len(one) <= 100 for one in found):
        raise PolicyError(f"{where} must be a list of texts.")
    return found


def _list(value: object, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise PolicyError(f"{where} is missing or no list.")
    return value


def _object(value: object, where: str, known: Collection[str] | None) -> dict[str, Any]:
    """An object with no names but the known ones; None lets any pass."""
    if not isinstance(value, dict):
        raise PolicyError(f"{where} must be an object.")
    for name in value:
        if known is not None and name not in known:
            raise PolicyError(f"{where} has the name {name[:40]!r}, which means nothing here. Use {', '.join(sorted(known))}.")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise PolicyError(f"The name {name[:40]!r} is there twice in one object.")
        found[name] = value
    return found
