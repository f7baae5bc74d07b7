"""What somebody may do to an export: without the key that signed it, and with it.

Who has the key can sign anything; what must not pass then is what contradicts itself.
"""

from collections.abc import Callable
from random import Random
from typing import Any

from service.audit.verify_register import CHANGED, KEYS, LEDGER, MANIFEST, MISMATCHED, MISSING, UNSIGNED, VIALS
from service.ledger.entry import Entry, digest
from tests.register_exports.samples import Mutation, Sample, signer

Files = dict[str, bytes]
Tree = dict[str, Any]


def _changed(content: bytes, random: Random) -> bytes:
    """One bit is another."""
    place = random.randrange(len(content))
    return content[:place] + bytes([content[place] ^ (1 << random.randrange(8))]) + content[place + 1 :]


def _any(sample: Sample, files: Files) -> str:
    return sample.random.choice(sorted(files.keys() - {MANIFEST, KEYS}))


def a_bit_of_a_file(sample: Sample) -> tuple[Files, set[int]]:
    """A bit of a file is another."""
    files = sample.complete()
    name = _any(sample, files)
    return {**files, name: _changed(files[name], sample.random)}, {CHANGED}


def a_bit_of_the_manifest(sample: Sample) -> tuple[Files, set[int]]:
    """A bit of the manifest is another."""
    files = sample.complete()
    return {**files, MANIFEST: _changed(files[MANIFEST], sample.random)}, {UNSIGNED}


def a_bit_of_the_keys(sample: Sample) -> tuple[Files, set[int]]:
    """A bit of the keys is another."""
    files = sample.complete()
    return {**files, KEYS: _changed(files[KEYS], sample.random)}, {UNSIGNED, CHANGED}


def a_file_is_gone(sample: Sample) -> tuple[Files, set[int]]:
    """A file is removed."""
    files = sample.complete()
    del files[_any(sample, files)]
    return files, {MISSING}


def a_file_is_there_besides(sample: Sample) -> tuple[Files, set[int]]:
    """A file is added."""
    return {**sample.complete(), "schedule-iii-v/cs-waste.csv": b"nothing was wasted\n"}, {MISSING}


def a_file_is_cut_off(sample: Sample) -> tuple[Files, set[int]]:
    """The end of a file is gone."""
    files = sample.complete()
    name = _any(sample, files)
    return {**files, name: files[name][:-1]}, {CHANGED}


def two_files_change_places(sample: Sample) -> tuple[Files, set[int]]:
    """Two files have each other's names."""
    files = sample.complete()
    return {**files, "README.txt": files["verify.py"], "verify.py": files["README.txt"]}, {CHANGED}


def another_signs(sample: Sample) -> tuple[Files, set[int]]:
    """A line is removed, and a stranger signs the manifest."""
    files = sample.files()
    stranger = Sample(sample.random, [signer(sample.random)])
    return {**files, MANIFEST: stranger.manifest(files)}, {UNSIGNED}


def an_older_key_signs(sample: Sample) -> tuple[Files, set[int]]:
    """A key that was replaced signs."""
    sample.signers.append(signer(sample.random))
    files = sample.files()
    sample.signers.pop()
    return {**files, MANIFEST: sample.manifest(files)}, {UNSIGNED}


def a_checkpoint_for_a_manifest(sample: Sample) -> tuple[Files, set[int]]:
    """What was signed for something else stands in the place of the manifest."""
    return {**sample.files(), MANIFEST: sample.checkpoint().encode()}, {UNSIGNED}


def a_manifest_of_another_export(sample: Sample) -> tuple[Files, set[int]]:
    """The manifest is that of an earlier export."""
    files = sample.files()
    earlier = {**files, "README.txt": b"the earlier one"}
    return {**files, MANIFEST: sample.manifest(earlier)}, {CHANGED}


def a_stranger_introduces_our_key(sample: Sample) -> tuple[Files, set[int]]:
    """A stranger puts his key after ours, without our introduction."""
    files = sample.files()
    stranger = signer(sample.random)
    files[KEYS] += f"{stranger.introduce(stranger.key)}\n".encode()
    return {**files, MANIFEST: Sample(sample.random, [stranger]).manifest(files)}, {UNSIGNED}


WITHOUT_THE_KEY: tuple[Mutation, ...] = (
    *(a_bit_of_a_file, a_bit_of_the_manifest, a_bit_of_the_keys, a_file_is_gone, a_file_is_there_besides, a_file_is_cut_off),
    *(two_files_change_places, another_signs, an_older_key_signs, a_checkpoint_for_a_manifest, a_manifest_of_another_export),
    a_stranger_introduces_our_key,
)


def _lines(sample: Sample) -> list[Tree]:
    return sample.trees[sample.random.choice(sample.ledgers)]


def _hashed(line: Tree) -> Tree:
    return {**line, "hash": digest(Entry(**line))}


def _chained(lines: list[Tree]) -> list[Tree]:
    """The lines with the numbers and hashes that they would have had."""
    made: list[Tree] = []
    for line in lines:
        before = made[-1] if made and made[-1]["vial"] == line["vial"] else None
        told = {**line, "number": before["number"] + 1 if before else 1, "previous": before["hash"] if before else "0" * 64}
        made.append(_hashed(told))
    return made


def _signed(change: Callable[[Sample, list[Tree]], list[Tree]], codes: set[int]) -> Mutation:
    """A mutation of the lines of a ledger, signed by who has the key."""

    def mutation(sample: Sample) -> tuple[Files, set[int]]:
        path = sample.random.choice(sample.ledgers)
        sample.trees[path] = change(sample, sample.trees[path])
        return sample.complete(), codes

    mutation.__name__ = change.__name__
    return mutation


def a_line_says_another_amount(sample: Sample, lines: list[Tree]) -> list[Tree]:
    """An amount is another, its hash is not."""
    place = sample.random.randrange(len(lines))
    return [{**line, "amount_ug": line["amount_ug"] + 1} if at == place else line for at, line in enumerate(lines)]


def a_line_is_hashed_anew(sample: Sample, lines: list[Tree]) -> list[Tree]:
    """A line says something else and has the right hash; the next one, or the vial, knows the old one."""
    place = sample.random.randrange(len(lines))
    return [_hashed({**line, "performer": "Practitioner/x"}) if at == place else line for at, line in enumerate(lines)]


def a_line_is_gone(sample: Sample, lines: list[Tree]) -> list[Tree]:
    """A line is removed."""
    place = sample.random.randrange(len(lines))
    return lines[:place] + lines[place + 1 :]


def a_line_stands_twice(sample: Sample, lines: list[Tree]) -> list[Tree]:
    """A line is repeated."""
    place = sample.random.randrange(len(lines))
    return [*lines[: place + 1], *lines[place:]]


def two_lines_change_places(sample: Sample, lines: list[Tree]) -> list[Tree]:
    """Two lines are in the other order."""
    place = sample.random.randrange(len(lines) - 1)
    return [*lines[:place], lines[place + 1], lines[place], *lines[place + 2 :]]


def a_draw_is_left_out(sample: Sample, lines: list[Tree]) -> list[Tree]:
    """A draw is removed, and everything after it is numbered and hashed anew: the vial holds less than its lines say."""
    drawn = next(line for line in lines if line["kind"] == "drawn")
    return _chained([line for line in lines if line is not drawn])


def more_is_drawn_than_there_is(sample: Sample, lines: list[Tree]) -> list[Tree]:
    """A vial would hold less than nothing for a while, and its lines end at what it holds."""
    first = lines[0]
    safe, much = first["target"], first["amount_ug"] + 1
    out, back = {**first, "kind": "transferred", "origin": safe, "target": "elsewhere/@"}, {**first, "kind": "transferred"}
    late = {"recorded": first["recorded"] + 1}
    moved = [{**out, **late, "amount_ug": much}, {**back, "amount_ug": much, "recorded": first["recorded"] + 2}]
    own = [line for line in lines if line["vial"] == first["vial"]]
    made = _chained([first, *moved, *({**line, "recorded": line["recorded"] + 3} for line in own[1:])])
    for vial in sample.trees[_beside(sample, lines)]:
        if vial["vial"] == first["vial"]:
            vial["entries"], vial["head"] = len(made), made[-1]["hash"]
    return made + [line for line in lines if line["vial"] != first["vial"]]


def something_else_is_moved_back(sample: Sample, lines: list[Tree]) -> list[Tree]:
    """A reversal moves less than was moved, and the chain is right."""
    place = next(at for at, line in enumerate(lines) if line["kind"] == "given")
    less = {**lines[place], "origin": lines[place]["target"], "target": lines[place]["origin"], "amount_ug": lines[place]["amount_ug"] - 1}
    made = _chained([*lines[: place + 1], {**less, "reverses": lines[place]["number"]}, *lines[place + 1 :]])
    for vial in sample.trees[_beside(sample, lines)]:
        own = [line for line in made if line["vial"] == vial["vial"]]
        vial["entries"], vial["head"] = len(own), own[-1]["hash"]
    return made


def a_line_says_more(sample: Sample, lines: list[Tree]) -> list[Tree]:
    """A line has a member that no line has."""
    place = sample.random.randrange(len(lines))
    return [{**line, "note": "all is well"} if at == place else line for at, line in enumerate(lines)]


def a_line_is_sealed_with_its_people(sample: Sample, lines: list[Tree]) -> list[Tree]:
    """A line claims to be sealed, so that nobody looks at its hash, and says all the same who took part."""
    place = sample.random.randrange(len(lines))
    return [{**line, "patient": "Patient/x", "sealed": True} if at == place else line for at, line in enumerate(lines)]


def a_line_is_no_line(sample: Sample, lines: list[Tree]) -> list[Tree]:
    """A number is a text, a text a number."""
    place, name = sample.random.randrange(len(lines)), sample.random.choice(("amount_ug", "number", "origin", "hash", "vial", "recorded"))
    wrong: object = sample.random.choice((None, [], {}, True, -1, "1"))
    return [{**line, name: wrong} if at == place else line for at, line in enumerate(lines)]


def _beside(sample: Sample, lines: list[Tree]) -> str:
    return next(path for path, trees in sample.trees.items() if trees is lines).replace(LEDGER, VIALS)


def a_vial_holds_more(sample: Sample) -> tuple[Files, set[int]]:
    """A vial is said to hold a microgram more than its lines sum to."""
    vials = sample.trees[sample.random.choice([path for path in sample.trees if path.endswith(VIALS)])]
    sample.random.choice(vials)["remaining_ug"] += 1
    return sample.complete(), {MISMATCHED}


def a_vial_is_left_out(sample: Sample) -> tuple[Files, set[int]]:
    """A vial is not told, its lines are."""
    vials = sample.trees[sample.random.choice([path for path in sample.trees if path.endswith(VIALS)])]
    vials.pop(sample.random.randrange(len(vials)))
    return sample.complete(), {MISSING}


def the_lines_of_a_vial_are_left_out(sample: Sample) -> tuple[Files, set[int]]:
    """A vial is told without its lines."""
    path = sample.random.choice(sample.ledgers)
    gone = sample.random.choice(sample.trees[path])["vial"]
    sample.trees[path] = [line for line in sample.trees[path] if line["vial"] != gone]
    return sample.complete(), {MISSING}


def a_record_is_left_out(sample: Sample) -> tuple[Files, set[int]]:
    """A line follows from a record that is not there."""
    path = sample.random.choice([path for path in sample.trees if path.rpartition("/")[2][0].isupper()])
    gone = sample.random.choice(sample.trees[path])
    sample.trees[path] = [tree for tree in sample.trees[path] if tree != gone]
    return sample.complete(), {MISMATCHED}


WITH_THE_KEY: tuple[Mutation, ...] = (
    _signed(a_line_says_another_amount, {CHANGED}),
    _signed(a_line_is_hashed_anew, {MISSING, MISMATCHED}),
    _signed(a_line_is_gone, {MISSING, MISMATCHED}),
    _signed(a_line_stands_twice, {MISSING}),
    _signed(two_lines_change_places, {MISSING}),
    _signed(a_draw_is_left_out, {MISMATCHED}),
    _signed(more_is_drawn_than_there_is, {MISMATCHED}),
    _signed(something_else_is_moved_back, {MISMATCHED}),
    _signed(a_line_says_more, {CHANGED}),
    _signed(a_line_is_sealed_with_its_people, {CHANGED}),
    _signed(a_line_is_no_line, {CHANGED, MISSING, MISMATCHED}),
    *(a_vial_holds_more, a_vial_is_left_out, the_lines_of_a_vial_are_left_out, a_record_is_left_out),
)
