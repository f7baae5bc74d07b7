"""Stored JSON as coloured, indented, linked HTML.

Only white space is added: put the tokens of the page back together and the stored text returns, character for character.
A string becomes a link when it is a literal reference to this server or a URL below its own base; everything is escaped.
"""

import json
from html import escape

from markupsafe import Markup

from service.web.pages.site import Site
from service.web.pages.tokens import Kind, Token, tokens

_CLASSES = {Kind.KEY: "k", Kind.STRING: "s", Kind.NUMBER: "n", Kind.LITERAL: "l"}
_REFERENCE_MEMBERS = frozenset({"reference", "location", "url", "fullUrl"})
_INDENT = "  "


def highlight(text: str, site: Site) -> Markup:
    """The HTML of the JSON `text`, for the inside of a `pre` element."""
    pieces: list[str] = []
    depth, opened = 0, False
    for token in tokens(text):
        closes = token.kind is Kind.CLOSE
        depth -= closes
        if (closes or opened) and not (closes and opened):
            pieces.append("\n" + _INDENT * depth)
        pieces.append(_markup(token, site))
        opened = token.kind is Kind.OPEN
        depth += opened
        if token.kind is Kind.COMMA:
            pieces.append("\n" + _INDENT * depth)
        elif token.kind is Kind.COLON:
            pieces.append(" ")
    return Markup("".join(pieces))  # noqa: S704 - every piece is escaped or punctuation


def _markup(token: Token, site: Site) -> str:
    style = _CLASSES.get(token.kind)
    if style is None:
        return token.text
    shown = escape(token.text, quote=False)
    target = _target(token, site) if token.kind is Kind.STRING else None
    if target is None:
        return f'<span class="{style}">{shown}</span>'
    return f'<a class="{style}" href="{escape(target)}">{shown}</a>'


def _target(token: Token, site: Site) -> str | None:
    if token.member in _REFERENCE_MEMBERS:
        return site.reference(json.loads(token.text))
    return site.own(json.loads(token.text)) if token.text.startswith('"http') else None
