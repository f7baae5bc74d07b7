"""Narratives: the XHTML that may stand in `Narrative.div` (https://hl7.org/fhir/R4/narrative.html#xhtml).

Formatting elements of HTML 4 chapters 7-11 and 15, links, images and inline style; no scripts, forms, frames, event
attributes or active URLs. The text is parsed by expat without a DTD and without entities beyond those of XML.
"""

import re
from typing import Any
from xml.parsers import expat

from service.validation.run import Run

XHTML = "http://www.w3.org/1999/xhtml"

ELEMENTS = frozenset({
    "a", "abbr", "acronym", "address", "area", "b", "bdo", "big", "blockquote", "br", "caption", "cite", "code", "col", "colgroup",
    "dd", "dfn", "div", "dl", "dt", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "img", "kbd", "li", "map", "ol", "p",
    "pre", "q", "samp", "small", "span", "strong", "sub", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "tt", "ul",
    "var",
})  # fmt: skip
ATTRIBUTES = frozenset({
    "abbr", "accesskey", "align", "alt", "axis", "bgcolor", "border", "cellpadding", "cellspacing", "char", "charoff", "charset",
    "cite", "class", "clear", "colspan", "compact", "coords", "dir", "frame", "headers", "height", "href", "hreflang", "hspace",
    "id", "ismap", "lang", "longdesc", "name", "nohref", "noshade", "nowrap", "rel", "rev", "rowspan", "rules", "scope", "shape",
    "size", "space", "span", "src", "start", "style", "summary", "tabindex", "target", "title", "type", "usemap", "valign", "value",
    "vspace", "width", "xml:lang", "xml:space", "xmlns",
})  # fmt: skip
_LINKS = frozenset({"href", "cite", "longdesc", "usemap"})
_SCHEME = re.compile(r"^([A-Za-z][A-Za-z0-9+.\-]*):")
_LINK_SCHEMES = frozenset({"http", "https", "mailto", "tel", "ftp", "urn"})
_IMAGE_SCHEMES = frozenset({"http", "https", "cid"})
_IMAGE_DATA = re.compile(r"^data:image/(?:png|jpe?g|gif|webp|bmp);", re.IGNORECASE)
_BLANKS = re.compile(r"[\x00-\x20\x7f]+")
_STYLE_BLANKS = re.compile(r"/\*.*?(?:\*/|\Z)|[\x00-\x20\x7f]+", re.DOTALL)
_STYLE_ACTIVE = re.compile(r"expression\(|javascript:|vbscript:|@import|behaviou?r:|-moz-binding|\\|<")
_STYLE_URL = re.compile(r"url\(['\"]?([^)'\"]*)")


class _Refused(Exception):
    """What is wrong, as the rest of a sentence, with its rule."""

    def __init__(self, rule: str, text: str) -> None:
        super().__init__(text)
        self.rule, self.text = rule, text


class _Reader:
    """Watches the parser and refuses what is not allowed."""

    def __init__(self) -> None:
        self.depth = 0
        self.content = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if not self.depth and (name != "div" or attributes.get("xmlns") != XHTML):
            raise _Refused("narrative-root", f'must be one div element with xmlns="{XHTML}"')
        self.depth += 1
        if name not in ELEMENTS:
            raise _Refused("narrative-element", f"holds the element {name[:40]}, which narratives may not have: remove it")
        self.content = self.content or name == "img"
        for attribute, value in attributes.items():
            self.attribute(name, attribute, value)

    def attribute(self, element: str, name: str, value: str) -> None:
        if name not in ATTRIBUTES:
            raise _Refused("narrative-attribute", f"holds the attribute {name[:40]} on {element}, which narratives may not have: remove it")
        active = (
            (name in _LINKS and not _is_link(value))
            or (name == "src" and not _is_image(value))
            or (name == "style" and not _is_style(value))
        )
        if active or (name == "xmlns" and value != XHTML):
            raise _Refused("narrative-url", f"holds {name} on {element} with a value that could run code or load documents: remove it")

    def end(self, _name: str) -> None:
        self.depth -= 1

    def text(self, text: str) -> None:
        self.content = self.content or bool(text.strip(" \t\r\n"))

    def refuse(self, *_: Any) -> None:
        raise _Refused("narrative-xml", "may not hold a document type, entities or processing instructions: remove them")


def check(value: Any, path: str, run: Run) -> None:
    """Reports the first thing that is wrong with a narrative."""
    reader = _Reader()
    try:
        _parse(value, reader)
        if not reader.content:
            raise _Refused("txt-2", "must have some content: text that is not white space, or an image (txt-2)")
    except _Refused as refused:
        run.error("invariant" if refused.rule == "txt-2" else "invalid", refused.rule, path, refused.text)


def _parse(value: str, reader: _Reader) -> None:
    parser = expat.ParserCreate("UTF-8")
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = reader.start, reader.end
    parser.CharacterDataHandler = reader.text
    parser.StartDoctypeDeclHandler = parser.ProcessingInstructionHandler = reader.refuse
    try:
        parser.Parse(value.encode("utf-8", "surrogatepass"), True)
    except expat.ExpatError as error:
        reason = expat.ErrorString(error.code)
        raise _Refused("narrative-xml", f"must be well-formed XHTML, in which only XML's own entities exist: {reason}") from None


def _is_link(value: str) -> bool:
    scheme = _SCHEME.match(_BLANKS.sub("", value))
    return scheme is None or scheme[1].lower() in _LINK_SCHEMES


def _is_image(value: str) -> bool:
    packed = _BLANKS.sub("", value)
    scheme = _SCHEME.match(packed)
    return scheme is None or scheme[1].lower() in _IMAGE_SCHEMES or bool(_IMAGE_DATA.match(packed))


def _is_style(value: str) -> bool:
    packed = _STYLE_BLANKS.sub("", value).lower()
    return not _STYLE_ACTIVE.search(packed) and all(map(_is_image, _STYLE_URL.findall(packed)))
