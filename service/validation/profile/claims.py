"""Which profiles a resource is held to: those that it claims in `meta.profile`, and those that the service requires.

https://hl7.org/fhir/R4/resource-definitions.html#Meta.profile
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from service.fhir.profile.element import Profile
from service.fhir.profile.merge import CORE, ProfileError, Profiles
from service.validation.run import Run

Json = Any
_MOST_NAMED = 20


@dataclass(frozen=True, slots=True)
class Required:
    """A profile that every resource of its type must meet; with `element`, only those that have `code` there."""

    profile: Profile
    element: str | None = None
    code: str | None = None

    def concerns(self, resource: Mapping[str, Json]) -> bool:
        """Whether a resource is meant."""
        if resource.get("resourceType") != self.profile.type:
            return False
        return self.element is None or self.code in _codes(resource.get(self.element))


def required(setting: str, profiles: Profiles) -> tuple[Required, ...]:
    """The setting REQUIRED_PROFILES: canonical URLs separated by spaces, each with an optional `?element=code`.

    Raises ProfileError for a profile that is not known, or a condition that is none.
    """
    return tuple(_required(text, profiles) for text in setting.split())


def _required(text: str, profiles: Profiles) -> Required:
    url, _, condition = text.partition("?")
    profile = profiles.find(url)
    if profile is None:
        raise ProfileError(f"{url} is not known here")
    if profiles.definitions.structures[profile.type].kind != "resource":
        raise ProfileError(f"{url} is a profile of {profile.type}, which is no resource")
    pairs = parse_qsl(condition)
    if condition and (len(pairs) != 1 or pairs[0][0] not in profiles.definitions.structures[profile.type].elements):
        raise ProfileError(f"{condition!r} is no element=code of {profile.type}")
    return Required(profile, *pairs[0]) if pairs else Required(profile)


def claimed(resource: Mapping[str, Json], path: str, profiles: Profiles, run: Run, refuses: bool) -> Iterator[Profile]:
    """The profiles that a resource claims; reports those that are not known, or are of another type."""
    meta = resource.get("meta")
    for index, canonical in enumerate(meta.get("profile", ()) if isinstance(meta, Mapping) else ()):
        place = f"{path}.meta.profile[{index}]"
        if isinstance(canonical, str) and (found := fitting(canonical, str(resource.get("resourceType")), profiles, (run, place, refuses))):
            yield found


def fitting(canonical: str, type: str, profiles: Profiles, reported: tuple[Run, str, bool]) -> Profile | None:
    """The profile of `type` with that URL; None when it is R4's own type, or when there is none, which is reported.

    `reported` is the run, the element that names the profile, and whether one that is not known is an error.
    """
    run, place, refuses = reported
    try:
        found = profiles.find(canonical)
    except ProfileError as error:
        run.warning("not-supported", "unknown-profile", place, f"is {canonical}, which cannot be used here: {error}")
        return None
    name = found.type if found else canonical.partition("|")[0].removeprefix(CORE)
    if name not in profiles.definitions.structures:
        report = run.error if refuses else run.warning
        report("not-found", "unknown-profile", place, f"is {canonical}, which is not known here. {_known(canonical, type, profiles)}")
    elif name not in (type, "Resource", "DomainResource"):
        run.error("invalid", "profile-of-another-type", place, f"is a profile of {name}, and this is a {type}: remove it")
        return None
    return found


def _known(canonical: str, type: str, profiles: Profiles) -> str:
    """What is known instead: other versions of the profile, or the profiles of the type."""
    url, stated, _ = canonical.partition("|")
    if stated and (versions := profiles.library.versions("StructureDefinition", url)):
        return f"Known versions of it: {', '.join(versions)}. Name one of these, or none."
    names = profiles.known(type)
    if not names:
        return "No profile of this type is known."
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return f"Known of this type: {', '.join(names[:_MOST_NAMED])}{more}."


def outermost(found: Sequence[Profile]) -> list[Profile]:
    """Without those that another one of them is based on, and each once: what the other asks includes what they ask."""
    above = {url for profile in found for url in profile.bases}
    return list({one.canonical: one for one in found if one.url not in above}.values())


def _codes(value: Json) -> Iterator[Json]:
    """The codes in a coded element, single or many."""
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, str):
            yield one
        elif isinstance(one, Mapping):
            yield one.get("code")
            yield from (coding.get("code") for coding in one.get("coding", ()) if isinstance(coding, Mapping))
