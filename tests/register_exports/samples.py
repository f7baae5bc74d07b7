"""Small exports that are right in every way, made without a database, and what can be done to one."""

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

from service.audit import verify_register
from service.audit.checkpoint import Checkpoint, Signer, sign
from service.ledger.entry import FIRST, Entry, digest

ORIGIN = "clinic.example/audit"
PLACES = ("schedule-i-ii", "schedule-iii-v")
Tree = dict[str, Any]


def signer(random: Random) -> Signer:
    """A key that the same random numbers make again."""
    return Signer(ORIGIN, random.randbytes(32))


@dataclass(slots=True)
class Sample:
    """An export as values: by path, the trees of its NDJSON files, and the bytes of the others. `signers`: its keys, the oldest first."""

    random: Random
    signers: list[Signer]
    trees: dict[str, list[Tree]] = field(default_factory=dict)
    raw: dict[str, bytes] = field(default_factory=dict)

    @property
    def ledgers(self) -> list[str]:
        """The paths of the ledgers."""
        return [path for path in self.trees if path.endswith(verify_register.LEDGER)]

    def files(self) -> dict[str, bytes]:
        """The bytes of every file but the manifest."""
        keys = [str(self.signers[0].key), *(old.introduce(new.key) for old, new in zip(self.signers, self.signers[1:], strict=False))]
        told = {path: "".join(f"{_json(tree)}\n" for tree in trees).encode() for path, trees in self.trees.items()}
        return {**self.raw, **told, verify_register.KEYS: "".join(f"{key}\n" for key in keys).encode()}

    def manifest(self, files: dict[str, bytes]) -> bytes:
        """The signed manifest of some files."""
        said = ("origin: " + self.signers[-1].name, "made: 2026-11-22T15:00:00.000Z", "period: 2024 to 2026", "sites: all")
        listed = [f"{sha256(content).hexdigest()} {len(content)} {path}" for path, content in sorted(files.items())]
        return self.signers[-1].sign("".join(f"{line}\n" for line in (verify_register.FORMAT, *said, *listed))).encode()

    def complete(self) -> dict[str, bytes]:
        """Every file."""
        files = self.files()
        return {**files, verify_register.MANIFEST: self.manifest(files)}

    def checkpoint(self) -> str:
        """A checkpoint that the newest key has signed."""
        return sign(Checkpoint(self.signers[-1].name, 7, b"r" * 32), self.signers[-1])


def write(files: dict[str, bytes], folder: Path) -> Path:
    """The files in a new directory."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def sample(seed: int) -> Sample:
    """An export of one or two directories, with a few vials each."""
    random = Random(seed)
    made = Sample(random, [signer(random) for _ in range(random.choice((1, 1, 2, 3)))])
    made.raw = {"verify.py": b"# the verifier\n", "README.txt": random.randbytes(20).hex().encode()}
    for place in random.choice((PLACES, PLACES[1:])):
        vials, lines, records = [], [], []
        for number in range(random.randrange(1, 4)):
            told = _vial(random, f"{place}-{number}")
            vials.append(_holding(f"{place}-{number}", told))
            lines += [asdict(one) for one in told]
            records += [_record(one.source) for one in told]
        made.trees[f"{place}/vials.ndjson"] = vials
        made.trees[f"{place}/ledger.ndjson"] = lines
        for type in sorted({tree["resourceType"] for tree in records}):
            made.trees[f"{place}/{type}.ndjson"] = [tree for tree in records if tree["resourceType"] == type]
        made.raw[f"{place}/cs-ledger.csv"] = b"a,b\r\n1,2\r\n"
    return made


def _vial(random: Random, id: str) -> list[Entry]:
    """Received, then drawn, given, wasted; a waste is corrected now and then."""
    safe, moment = f"vial/{id}@safe", 1_794_000_000_000_000 + random.randrange(10**9)
    lines: list[Entry] = []

    def post(kind: str, source: str, accounts: tuple[str, str], amount: int, reverses: int = 0) -> None:
        nonlocal moment
        moment += random.randrange(2) * 1_000_000
        previous = lines[-1].hash if lines else FIRST
        who = ("Patient/p", "Encounter/e", "Practitioner/n", "Practitioner/w") if kind != "received" else ("", "", "Practitioner/n", "")
        one = Entry(
            *(id, len(lines) + 1, kind, reverses, f"{source}/_history/1", "d" if "syringe" in "".join(accounts) else "", moment, moment),
            *(*accounts, amount, amount // 50, "site", "safe", *who, "", "1", previous),
        )
        lines.append(replace(one, hash=digest(one)))

    post("received", f"SupplyDelivery/{id}", ("supplier/o@", safe), 500_000)
    for draw in range(random.randrange(1, 4)):
        syringe, drawn = f"syringe/{id}-{draw}@", random.randrange(20_000, 60_000)
        given = random.randrange(10_000, drawn)
        post("drawn", f"MedicationDispense/{id}-{draw}", (safe, syringe), drawn)
        post("given", f"MedicationAdministration/{id}-{draw}", (syringe, "given/@site"), given)
        post("wasted", f"Observation/{id}-{draw}", (syringe, "wasted/@site"), drawn - given)
        if random.random() < 0.4:
            post("wasted", f"Observation/{id}-{draw}", ("wasted/@site", syringe), drawn - given, reverses=len(lines))
            post("wasted", f"Observation/{id}-{draw}", (syringe, "wasted/@site"), drawn - given)
    post("counted", f"Observation/{id}-count", ("", ""), 1)
    return lines


def _holding(id: str, lines: Iterable[Entry]) -> Tree:
    told = list(lines)
    safe = f"vial/{id}@safe"
    held = sum(one.amount_ug * ((one.target == safe) - (one.origin == safe)) for one in told)
    names = dict.fromkeys(("substance", "name", "form", "schedule", "ndc", "lot", "expires", "serial"), "x")
    return {"vial": id, **names, "remaining_ug": held, "entries": len(told), "head": told[-1].hash}


def _record(source: str) -> Tree:
    type, id, _, number = source.split("/")
    return {"resourceType": type, "id": id, "meta": {"versionId": number}}


def _json(tree: object) -> str:
    return json.dumps(tree, ensure_ascii=False, separators=(",", ":"))


Mutation = Callable[[Sample], tuple[dict[str, bytes], set[int]]]
"""Does one thing to an export: its files, and the exit codes that are right for it."""
