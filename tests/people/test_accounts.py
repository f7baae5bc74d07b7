"""Accounts, and what is kept of passwords and codes."""

from concurrent.futures import ThreadPoolExecutor

import pyotp
import pytest
from flask import Flask
from sqlalchemy import text

from service.errors import BadRequest, Conflict, NotFound, Unauthorized
from service.records import one_time_codes, people, sign_in, upkeep
from service.records.context import Context, Service
from service.records.sign_in import Attempt
from service.security import lockout, one_time
from service.security import password as passwords
from tests.access import TESTS
from tests.people.clinic import BEGIN, PASSWORD, PEOPLE, Browser, Hand, told

KEY = "k" * 32


@pytest.fixture
def ctx(clinic: Service) -> Context:
    """An operator's request."""
    return Context(clinic, TESTS)


def test_each_account_is_one_practitioner_of_the_record(ctx: Context) -> None:
    assert [one.login for one in people.every(ctx)] == sorted(PEOPLE)
    with pytest.raises(NotFound):
        people.add(ctx, "new", "not-in-the-record", "clinician")
    for login, practitioner in (("amy", "amy"), ("other", "amy")):
        with pytest.raises(Conflict, match="has an account already"):
            people.add(ctx, login, practitioner, "clinician")


@pytest.mark.parametrize(
    ("login", "role"), [("a", "clinician"), ("amy b", "clinician"), ("../x", "clinician"), ("new", "gateway"), ("new", "boss")]
)
def test_what_is_no_account_is_refused(ctx: Context, login: str, role: str) -> None:
    with pytest.raises(BadRequest):
        people.add(ctx, login, "amy", role)


def test_the_first_password_is_long_and_new_each_time(ctx: Context) -> None:
    first, second = people.reset(ctx, "amy"), people.reset(ctx, "AMY ")
    assert first != second
    assert min(len(first), len(second)) >= 20
    assert sign_in.authenticate(ctx.service, Attempt("amy", second)).must_change
    with pytest.raises(Unauthorized):
        sign_in.authenticate(ctx.service, Attempt("amy", first))


def test_a_reset_opens_what_was_locked_and_takes_the_codes_away(ctx: Context) -> None:
    for _ in range(lockout.FREE_FAILURES + 1):
        with pytest.raises(Unauthorized):
            sign_in.authenticate(ctx.service, Attempt("amy", "wrong password"))
    people.disable(ctx, "amy")
    assert sign_in.authenticate(ctx.service, Attempt("amy", people.reset(ctx, "amy"))).login == "amy"


def test_no_secret_is_kept_in_clear_or_shown(ctx: Context) -> None:
    [amy] = [one for one in people.every(ctx) if one.login == "amy"]
    secret = one_time_codes.begin(ctx, amy)
    with ctx.service.database.glance() as tx:
        kept = str([tuple(row) for row in tx.connection.execute(text("SELECT * FROM person")).all()])
    assert PASSWORD not in kept
    assert secret not in kept
    assert "$argon2id$" in kept
    assert "argon2" not in repr(people.every(ctx))
    assert PASSWORD not in repr(Attempt("amy", PASSWORD, "123456"))


def test_changes_of_accounts_are_in_the_trail(ctx: Context) -> None:
    people.reset(ctx, "amy")
    people.disable(ctx, "amy")
    assert [what for _, _, what in told(ctx.service, "110137")] == [
        "account added with the role clinician, Practitioner/amy",
        "account reset, Practitioner/amy",
        "account disabled, Practitioner/amy",
    ]


def test_many_guesses_at_once_are_not_more_than_many_in_turn(ctx: Context) -> None:
    def guess(_: int) -> bool:
        with pytest.raises(Unauthorized):
            sign_in.authenticate(ctx.service, Attempt("amy", "wrong password"))
        return True

    with ThreadPoolExecutor(6) as pool:
        assert all(pool.map(guess, range(12)))
    ways = [what for _, _, what in told(ctx.service, "110122")]
    assert ways.count("sign-in: refused") == lockout.FREE_FAILURES
    assert len(ways) == 12


def test_a_code_that_is_used_twice_at_once_lets_one_in(ctx: Context, hand: Hand) -> None:
    [amy] = [one for one in people.every(ctx) if one.login == "amy"]
    codes = pyotp.TOTP(one_time_codes.begin(ctx, amy))
    one_time_codes.confirm(ctx, people.of(ctx.service, amy.id), codes.at(hand.now // 1_000_000))
    hand.move(1)
    code = codes.at(hand.now // 1_000_000)

    def enter(_: int) -> bool:
        try:
            sign_in.authenticate(ctx.service, Attempt("amy", PASSWORD, code))
        except Unauthorized:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(enter, range(4))) == 1


def test_with_another_key_no_code_is_right(ctx: Context, site: Flask, hand: Hand) -> None:
    [amy] = [one for one in people.every(ctx) if one.login == "amy"]
    codes = pyotp.TOTP(one_time_codes.begin(ctx, amy))
    one_time_codes.confirm(ctx, people.of(ctx.service, amy.id), codes.at(hand.now // 1_000_000))
    hand.move(1)
    with ctx.service.database.write() as tx:
        tx.connection.execute(text("UPDATE secret SET value = 'another' WHERE name = 'people-key'"))
    assert Browser(site).sign_in("amy", code=codes.at(hand.now // 1_000_000)).status_code == 401


def test_the_worker_closes_emergencies(clinic: Service) -> None:
    assert "emergencies" in {job.name for job in upkeep.jobs(clinic)}


def test_a_sealed_secret_opens_for_its_account_and_key_alone() -> None:
    secret = one_time.secret()
    kept = one_time.sealed(KEY, "a", secret)
    assert one_time.opened(KEY, "a", kept) == secret
    assert one_time.sealed(KEY, "a", secret) != kept
    for key, id, content in ((KEY, "b", kept), ("x" * 32, "a", kept), (KEY, "a", kept[:-1]), (KEY, "a", b""), (KEY, "a", kept[:12])):
        with pytest.raises(one_time.Unreadable):
            one_time.opened(key, id, content)


@pytest.mark.parametrize("code", ["", "12345", "1234567", "12345a", "１２３４５６", "-12345", "+12345", "1e5000"])
def test_what_is_no_code_is_no_code(code: str) -> None:
    assert one_time.step_of(one_time.secret(), code, BEGIN) is None


def test_a_code_belongs_to_its_step() -> None:
    secret = one_time.secret()
    step = BEGIN // one_time.STEP
    for distance in (-1, 0, 1):
        assert one_time.step_of(secret, pyotp.TOTP(secret).generate_otp(step + distance), BEGIN) == step + distance
    assert one_time.step_of(secret, pyotp.TOTP(secret).generate_otp(step + 2), BEGIN) is None


def test_a_password_is_the_same_from_every_keyboard() -> None:
    kept = passwords.hashed("cafe\u0301 au lait 12")
    assert passwords.matches(kept, "caf\u00e9 au lait 12")
    assert not passwords.matches(kept, "cafe au lait 12")
    assert not passwords.matches(None, "caf\u00e9 au lait 12")
    assert not passwords.matches("no hash at all", "caf\u00e9 au lait 12")
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert not passwords.is_outdated(kept)


@pytest.mark.parametrize(
    ("failures", "minutes"),
    [(0, 0), (4, 0), (5, 1), (6, 2), (7, 4), (8, 8), (9, 15), (10, 15), (1000, 15)],
)
def test_the_delay_doubles_up_to_a_quarter_of_an_hour(failures: int, minutes: int) -> None:
    assert lockout.until(failures, BEGIN) == (BEGIN + minutes * 60_000_000 if minutes else None)
