"""The account of who is signed in: another password, one-time codes."""

import segno
from flask import Blueprint, Response
from markupsafe import Markup

from service.errors import BadRequest, NotFound, ServiceError
from service.records import one_time_codes, people, sessions, sign_in
from service.records.context import Service
from service.records.sign_in import Attempt
from service.security import one_time
from service.security.password import LEAST_CHARACTERS
from service.storage.people import Person
from service.web.pages import desk as desks
from service.web.pages import sign_in as sign_in_page
from service.web.pages.desk import Desk

_TITLE = "Your account"
_ISSUER = "Infusion Records"


def register(pages: Blueprint, service: Service) -> None:
    """Adds /account."""
    desks.add(pages, service, "/account", "account", get=_shown, post=_changed)


def _shown(desk: Desk, refusal: str = "", status: int = 200, secret: str = "") -> Response:
    session = desk.signed_in
    person = sessions.account(desk.service, session)
    address = one_time.uri(secret, person.login, _ISSUER) if secret and person else ""
    return desk.show(
        "account.html",
        _TITLE,
        status,
        person=person,
        session=session,
        refusal=refusal,
        least=LEAST_CHARACTERS,
        secret=secret,
        address=address,
        picture=_picture(address) if address else "",
    )


def _changed(desk: Desk) -> Response:
    fields = desk.form()
    person = sessions.account(desk.service, desk.signed_in)
    if person is None:
        raise NotFound.of("not-found", "account", "You signed in elsewhere: your password and codes are kept there.")
    actions = {"password": _another_password, "begin-codes": _begin_codes, "confirm-codes": _confirm_codes}
    action = actions.get(fields.get("action", ""))
    if action is None:
        raise BadRequest.of("invalid", "form", "The form does not say what to change.")
    try:
        return action(desk, person, fields)
    except ServiceError as error:
        return _shown(desk, str(error), error.status if error.status != 401 else 403)


def _another_password(desk: Desk, person: Person, fields: dict[str, str]) -> Response:
    if fields.get("new") != fields.get("again"):
        raise BadRequest.of("invalid", "password", "The new password was not typed the same twice.")
    _proved(desk, person, fields, "change of password")
    people.choose(desk.ctx, person, fields.get("new", ""))
    return sign_in_page.begun(desk, people.of(desk.service, person.id), f"{desk.site.root}/")


def _begin_codes(desk: Desk, person: Person, fields: dict[str, str]) -> Response:
    _proved(desk, person, fields, "setting up one-time codes")
    return _shown(desk, secret=one_time_codes.begin(desk.ctx, person))


def _confirm_codes(desk: Desk, person: Person, fields: dict[str, str]) -> Response:
    one_time_codes.confirm(desk.ctx, person, fields.get("code", ""))
    return desk.go(f"{desk.site.root}/account")


def _proved(desk: Desk, person: Person, fields: dict[str, str], purpose: str) -> None:
    """Whoever sits at the browser knows the password now, not only when the session began. Raises Unauthorized."""
    sign_in.authenticate(desk.service, Attempt(person.login, fields.get("password", ""), fields.get("code", ""), desk.address, purpose))


def _picture(address: str) -> Markup:
    """The QR code as SVG: black on white whatever the page looks like, for phones to read."""
    drawn = segno.make(address, error="m").svg_inline(scale=4, dark="#000", light="#fff", border=4, svgclass="qr", lineclass=None)
    return Markup(drawn)  # noqa: S704 - drawn by us, from our own letters
