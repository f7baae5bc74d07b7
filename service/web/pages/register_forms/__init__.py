"""The forms of the register: what staff receive, draw, waste, give back, count and move, typed into pages that need no JavaScript.

    slip      one form: shown, sent, refused beside its fields, done
    field     a field of a form; beside: which field a refusal of the record belongs to
    choose    the page before a form: which vial, draw or visit it is about
    receive, draw, waste, giving_back, count, transfer    the forms
    recorded  what became of a form: the lines of the ledger and the balance

All need the scope `ledger.write`; what they write passes the same commit and the same rules as what comes through the API.
"""

from flask import Blueprint

from service.records.context import Service
from service.web.pages.register_forms import count, draw, giving_back, receive, recorded, slip, transfer, waste

_ALONE = (draw.SLIP, giving_back.SLIP, transfer.SLIP)
_TOGETHER = (receive.SLIP, waste.SLIP, count.SLIP)


def register(pages: Blueprint, service: Service) -> None:
    """Adds the forms below /register. With an outside provider nobody can sign in beside another: the forms for two are not there."""
    for one in _ALONE if service.provider else (*_ALONE, *_TOGETHER):
        slip.add(pages, service, one)
    recorded.register(pages, service)
