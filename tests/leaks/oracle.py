"""What a caller may be told, worked out over a list in memory: no SQL, no index, nothing of the service.

A world is a list of histories; a caller is a list of scopes and perhaps a patient; a question is a search of one type. `answer` tells the
matches, what is included, or that the question is refused.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from random import Random

TYPES = ("Patient", "Observation", "Encounter", "MedicationAdministration", "Practitioner", "Device", "Provenance")
CATEGORIES = ("vital-signs", "laboratory")
LETTERS = ("rs", "r", "s", "cruds")
FAMILIES = ("Ash", "Birch")
_OF_PATIENTS = {"Observation": ("subject", "performer"), "Encounter": ("subject",), "MedicationAdministration": ("subject",)}


@dataclass(frozen=True)
class Said:
    """One version: references by element, the category of an Observation, the family of a Patient; None stands for a deletion."""

    references: tuple[tuple[str, str], ...] = ()
    category: str = ""
    family: str = ""

    def names(self, element: str) -> list[str]:
        """What an element refers to."""
        return [target for name, target in self.references if name == element]


@dataclass
class History:
    """A resource and its versions, oldest first."""

    type: str
    id: str
    versions: list[Said | None] = field(default_factory=list)

    @property
    def address(self) -> str:
        """Type and id."""
        return f"{self.type}/{self.id}"

    @property
    def now(self) -> Said | None:
        """What it says, None when it is deleted."""
        return self.versions[-1]

    @property
    def last(self) -> Said:
        """What it said when it last lived."""
        return next(one for one in reversed(self.versions) if one is not None)


@dataclass(frozen=True)
class Scope:
    """`context/type.letters?category=`."""

    context: str
    type: str
    letters: str
    category: str = ""


@dataclass(frozen=True)
class Asker:
    """Who asks."""

    scopes: tuple[Scope, ...]
    patient: str = ""

    def has(self, letter: str, type: str) -> bool:
        """Whether some scope gives the letter on the type."""
        return any(True for _ in self._giving(letter, type))

    def reaches(self, letter: str, one: History, said: Said, world: Sequence[History]) -> bool:
        """Whether one content of a resource is within reach."""
        return any(self._within(scope, letter, one, said, world) for scope in self._giving(letter, one.type))

    def sees(self, letter: str, one: History, world: Sequence[History]) -> bool:
        """Whether a resource, as it is now, is within reach."""
        return one.now is not None and self.reaches(letter, one, one.now, world)

    def sees_version(self, letter: str, one: History, said: Said | None, world: Sequence[History]) -> bool:
        """Whether a version is: by itself, and by what the resource says now or said last."""
        return self.reaches(letter, one, one.last, world) and (said is None or self.reaches(letter, one, said, world))

    def _giving(self, letter: str, type: str) -> Iterator[Scope]:
        for scope in self.scopes:
            if letter in scope.letters and scope.type in ("*", type) and (scope.context != "patient" or self.patient):
                yield scope

    def _within(self, scope: Scope, letter: str, one: History, said: Said, world: Sequence[History]) -> bool:
        if scope.category and said.category != scope.category:
            return False
        return scope.context != "patient" or self._is_own(letter, one, said, world)

    def _is_own(self, letter: str, one: History, said: Said, world: Sequence[History]) -> bool:
        mine = f"Patient/{self.patient}"
        if one.type == "Practitioner":
            return letter in "rs"
        if one.type == "Patient":
            return one.address == mine
        if one.type == "Device":
            return letter in "rs" and all(target == mine for target in said.names("patient"))
        if one.type == "Provenance":
            targets = said.names("target")
            return mine in targets and all(target == mine or self._is_own_target(target, world) for target in targets)
        return any(mine in said.names(element) for element in _OF_PATIENTS[one.type])

    def _is_own_target(self, target: str, world: Sequence[History]) -> bool:
        """Of what belongs to patients, what is there now and is the caller's; of the rest, anything."""
        type = target.partition("/")[0]
        if type == "Patient":
            return False
        if type not in _OF_PATIENTS:
            return True
        found = next((one for one in world if one.address == target), None)
        return found is not None and found.now is not None and self._is_own("r", found, found.now, world)


@dataclass(frozen=True)
class Question:
    """A search: what it asks of a type, and what it includes. `has` and `chain` say the way and the category or family at its end."""

    type: str
    ids: tuple[str, ...] = ()
    subject: str = ""
    category: str = ""
    chain: str = ""
    has: str = ""
    include: str = ""
    revinclude: str = ""

    @property
    def query(self) -> list[tuple[str, str]]:
        """The pairs of its query string."""
        asked = {
            "_id": ",".join(self.ids),
            "subject": self.subject and f"Patient/{self.subject}",
            "category": self.category,
            "subject:Patient.family": self.chain,
            "_has:Observation:subject:category": self.has,
            "_include": self.include and f"{self.type}:{self.include}",
            "_revinclude": self.revinclude,
        }
        return [(name, value) for name, value in asked.items() if value]


@dataclass(frozen=True)
class Told:
    """What a search may tell."""

    matches: frozenset[str]
    included: frozenset[str]


def answer(world: Sequence[History], asker: Asker, question: Question) -> Told | None:
    """The matches and what comes with them; None when the question is refused."""
    if not asker.has("s", question.type):
        return None
    if (question.chain and not asker.has("s", "Patient")) or (question.has and not asker.has("s", "Observation")):
        return None
    visible = [one for one in world if one.type == question.type and asker.sees("s", one, world)]
    matches = frozenset(one.address for one in visible if _fits(world, asker, question, one))
    included = {one.address for one in _brought(world, question, matches) if asker.sees("r", one, world)}
    return Told(matches, frozenset(included - matches))


def _fits(world: Sequence[History], asker: Asker, question: Question, one: History) -> bool:
    said = one.now
    assert said is not None
    by_address = {other.address: other for other in world}
    if question.ids and one.id not in question.ids:
        return False
    if question.subject and f"Patient/{question.subject}" not in said.names("subject"):
        return False
    if question.category and said.category != question.category:
        return False
    if question.chain:
        ends = [by_address[target] for target in said.names("subject") if target in by_address]
        if not any(end.now and end.now.family == question.chain and asker.sees("s", end, world) for end in ends):
            return False
    if question.has:
        sources = (other for other in world if other.type == "Observation" and asker.sees("s", other, world))
        return any(other.now and other.now.category == question.has and one.address in other.now.names("subject") for other in sources)
    return True


def _brought(world: Sequence[History], question: Question, matches: Iterable[str]) -> Iterator[History]:
    by_address = {other.address: other for other in world}
    for address in matches:
        said = by_address[address].now
        assert said is not None
        if question.include:
            yield from (by_address[target] for target in said.names(question.include) if target in by_address)
        if question.revinclude:
            type, element = question.revinclude.split(":")
            yield from (other for other in world if other.type == type and other.now and address in other.now.names(element))


def drawn_world(random: Random, turn: str) -> list[History]:
    """Two to four patients and what refers to them, with corrections and deletions. `turn` keeps the ids of worlds apart."""
    patients = [History("Patient", f"p{number}{turn}", [Said(family=random.choice(FAMILIES))]) for number in range(random.randint(2, 4))]
    world = [*patients, History("Practitioner", f"d{turn}", [Said()])]
    for number in range(random.randint(4, 12)):
        type = random.choice(("Observation", "Observation", "Encounter", "MedicationAdministration", "Device", "Provenance"))
        one = History(type, f"r{number}{turn}", [_drawn(random, type, world)])
        if type != "Provenance" and random.random() < 0.3 and (other := _drawn(random, type, world)) != one.now:
            one.versions.append(other)
        world.append(one)
    for one in world[len(patients) + 1 :]:
        is_named = any(one.address in (target for _, target in said.references) for other in world for said in other.versions if said)
        if random.random() < 0.15 and not is_named:
            one.versions.append(None)
    return world


def _drawn(random: Random, type: str, world: Sequence[History]) -> Said:
    patient = lambda: random.choice([one.address for one in world if one.type == "Patient"])  # noqa: E731
    if type == "Observation":
        extra = [("focus", random.choice([one.address for one in world if one.type in ("Patient", "Observation")]))]
        performer = [("performer", random.choice([patient(), world[len([o for o in world if o.type == "Patient"])].address]))]
        chosen = (*(extra if random.random() < 0.4 else ()), *(performer if random.random() < 0.4 else ()))
        return Said((("subject", patient()), *chosen), random.choice(CATEGORIES))
    if type == "Provenance":
        there = [one.address for one in world if one.type in ("Patient", "Observation", "Practitioner", "Encounter")]
        return Said(tuple(("target", target) for target in random.sample(there, min(len(there), random.randint(1, 3)))))
    if type == "Device":
        return Said((("patient", patient()),) if random.random() < 0.6 else ())
    return Said((("subject", patient()),))


def drawn_asker(random: Random, world: Sequence[History]) -> Asker:
    """One to four scopes; with a patient in the context if one of them needs it, mostly."""
    scopes = []
    for _ in range(random.randint(1, 4)):
        context, type = random.choice(("patient", "patient", "system")), random.choice((*TYPES, "Observation", "*"))
        category = random.choice(CATEGORIES) if type == "Observation" and random.random() < 0.4 else ""
        scopes.append(Scope(context, type, random.choice(LETTERS), category))
    patient = random.choice([one.id for one in world if one.type == "Patient"]) if random.random() < 0.9 else ""
    return Asker(tuple(scopes), patient)


def drawn_question(random: Random, world: Sequence[History]) -> Question:
    """A search of a type that can be asked that way."""
    type = random.choice(TYPES)
    ids = tuple(one.id for one in random.sample(list(world), 3)) if random.random() < 0.3 else ()
    person = random.choice([one.id for one in world if one.type == "Patient"])
    has_subject = type in _OF_PATIENTS
    include = {
        "Observation": ("subject", "focus", "performer"),
        "Encounter": ("subject",),
        "Provenance": ("target",),
        "Device": ("patient",),
    }
    return Question(
        type,
        ids,
        subject=person if has_subject and random.random() < 0.3 else "",
        category=random.choice(CATEGORIES) if type == "Observation" and random.random() < 0.3 else "",
        chain=random.choice(FAMILIES) if has_subject and random.random() < 0.3 else "",
        has=random.choice(CATEGORIES) if type == "Patient" and random.random() < 0.4 else "",
        include=random.choice(include[type]) if type in include and random.random() < 0.4 else "",
        revinclude=random.choice(("Observation:focus", "Observation:subject", "Provenance:target"))
        if type == "Patient" and random.random() < 0.5
        else "",
    )
