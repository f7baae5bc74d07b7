"""Resources held to profiles: a document that R4 itself finds right is asked what its profiles and extensions want.

Each resource in it is asked about its own claims: the resource, those that it contains, and those in a Bundle or in Parameters.
A QuestionnaireResponse that profiles find right is held to its Questionnaire.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from service.fhir.definitions import Definitions
from service.fhir.library import Library
from service.fhir.profile.element import Profile
from service.fhir.profile.merge import ProfileError, Profiles
from service.validation.profile import claims, extension
from service.validation.profile.build import Builder
from service.validation.profile.coded import Codes, binding_rule
from service.validation.profile.item import Item, of_resource
from service.validation.questionnaire.answers import Answers
from service.validation.run import Run

Json = Any
_R4 = "r4"
_RESPONSE = "QuestionnaireResponse"
_PARTS = {"Bundle": ("entry", "resource"), "Parameters": ("parameter", "resource")}


class Holder:
    """The profiles of a library, ready to be asked. `required` is the setting REQUIRED_PROFILES; `refuses`: an unknown profile is an error.

    Raises ProfileError for a requirement that cannot be met.
    """

    def __init__(self, definitions: Definitions, library: Library, required: str = "", refuses: bool = False) -> None:
        self.profiles = Profiles(definitions, library)
        self._codes = Codes(library)
        self._builder = Builder(definitions, self.profiles, self._codes)
        self._answers = Answers(library, self._codes.judged)
        self._required = claims.required(required, self.profiles)
        self._refuses = refuses

    def check(self, resource: Mapping[str, Json], run: Run, asked: Sequence[str] = ()) -> None:
        """Reports what is wrong with a document; `asked` are further profiles that its outermost resource shall meet."""
        path = str(resource.get("resourceType"))
        reported = (run, path, True)
        more = [found for url in asked if (found := claims.fitting(url, path, self.profiles, reported))]
        self._walk(resource, path, run, more)
        for check in run.later:
            check()
        if run.extensions:
            extension.check(self._builder, run)

    def bound(self, strength: str, value_set: str) -> Callable[[Json, str, Run], None]:
        """The rule of a binding that R4 itself states: (value, path, run). It is asked of well-formed documents only."""
        rule = binding_rule(self._codes, strength, value_set, _R4)
        return lambda value, path, run: run.later.append(partial(rule, Item(value, None, path, None), run))

    def _walk(self, resource: Mapping[str, Json], path: str, run: Run, more: Sequence[Profile] = ()) -> None:
        state = run.enter(resource)
        self._held(resource, path, run, more)
        for index, inner in enumerate(resource.get("contained", ())):
            before = run.enter_contained(inner)
            self._held(inner, f"{path}.contained[{index}]", run)
            run.leave(before)
        for place, inner in _parts(resource, path):
            self._walk(inner, place, run)
        run.leave(state)

    def _held(self, resource: Mapping[str, Json], path: str, run: Run, more: Sequence[Profile] = ()) -> None:
        wanted = [*more, *claims.claimed(resource, path, self.profiles, run, self._refuses)]
        wanted += [one.profile for one in self._required if one.concerns(resource)]
        for profile in claims.outermost(wanted):
            run.profile = profile.canonical
            try:
                self._builder.check(profile).check(of_resource(resource, path), run)
            except ProfileError as error:
                run.warning("not-supported", "unknown-profile", path, f"was not held to {profile.canonical}, which cannot be used: {error}")
            finally:
                run.profile = None
        if resource.get("resourceType") == _RESPONSE and not any(issue.severity == "error" for issue in run.issues):
            self._answers.check(resource, path, run)


def _parts(resource: Mapping[str, Json], path: str) -> Iterator[tuple[str, Mapping[str, Json]]]:
    """The resources that a Bundle or Parameters carries."""
    rows, member = _PARTS.get(str(resource.get("resourceType")), ("", ""))
    for index, row in enumerate(resource.get(rows, ()) if rows else ()):
        if member in row:
            yield f"{path}.{rows}[{index}].{member}", row[member]
