"""What a narrative may hold (https://hl7.org/fhir/R4/narrative.html)."""

import pytest

from service.validation import narrative
from service.validation.run import Run
from tests.unit.validation.resources import XHTML


def rules(div: str) -> list[str]:
    """The rules that a narrative breaks."""
    run = Run({})
    narrative.check(div, "Patient.text.div", run)
    return [issue.rule for issue in run.issues]


@pytest.mark.parametrize(
    "content",
    [
        "text",
        "<p>a<br/>b</p><!-- a comment -->",
        '<h2 class="a" id="b" title="c">a</h2>',
        '<table border="0" cellpadding="0" cellspacing="0" style="border: 1px solid"><tr><td colspan="2" valign="top">a</td></tr></table>',
        '<a href="https://x.example/a?b=c#d">a</a><a href="#b">b</a><a name="c"> </a>',
        '<a href="Patient/1">d</a><a href="mailto:a@x.example">e</a>',
        '<img src="data:image/png;base64,AAAA" alt="a"/>',
        '<img src="spacer.png" alt="."/>',
        '<td style="background-image: url(tbl.png)">a</td>',
        "a &lt;b&gt; &amp; &#160; &quot;",
        "&#160;",
        '<p lang="de" xml:lang="de">ä</p>',
        "<ul><li>a</li></ul><dl><dt>a</dt><dd>b</dd></dl>",
        "<![CDATA[a < b]]>",
    ],
)
def test_formatting_links_and_images_pass(content: str) -> None:
    assert rules(XHTML + content + "</div>") == []


@pytest.mark.parametrize(
    ("div", "rule"),
    [
        (XHTML + "a", "narrative-xml"),
        (XHTML + "a &nbsp; b</div>", "narrative-xml"),
        (XHTML + "a</div><p/>", "narrative-xml"),
        (XHTML + "<p a=b>c</p></div>", "narrative-xml"),
        (XHTML + "<?php a ?>b</div>", "narrative-xml"),
        ('<!DOCTYPE div [<!ENTITY a "b">]>' + XHTML + "&a;</div>", "narrative-xml"),
        ('<!DOCTYPE div SYSTEM "http://x.example/a.dtd">' + XHTML + "a</div>", "narrative-xml"),
        ("<p>a</p>", "narrative-root"),
        ("<div>a</div>", "narrative-root"),
        ('<div xmlns="http://x.example">a</div>', "narrative-root"),
        ('<h:div xmlns:h="http://www.w3.org/1999/xhtml">a</h:div>', "narrative-root"),
        *(
            (f"{XHTML}<{name}>a</{name}></div>", "narrative-element")
            for name in ("script", "style", "iframe", "object", "form", "input", "svg")
        ),
        *(
            (f"{XHTML}<{name}/></div>", "narrative-element")
            for name in ("link", "base", "meta", "embed", "video", "body", "SCRIPT", "math")
        ),
        *(
            (f'{XHTML}<p {name}="a">b</p></div>', "narrative-attribute")
            for name in ("onclick", "onload", "formaction", "srcdoc", "xlink:href")
        ),
        *((f'{XHTML}<a href="{url}">a</a></div>', "narrative-url") for url in ("javascript:a", "JaVa&#9;Script:a", " &#10;javascript:a")),
        *((f'{XHTML}<a href="{url}">a</a></div>', "narrative-url") for url in ("data:text/html,a", "vbscript:a", "file:///etc/passwd")),
        *(
            (f'{XHTML}<img src="{url}"/></div>', "narrative-url")
            for url in ("data:text/html;base64,AAAA", "data:image/svg+xml;base64,AAAA", "javascript:a")
        ),
        *(
            (f'{XHTML}<p style="{style}">a</p></div>', "narrative-url")
            for style in ("a: expression(b)", "a: url(javascript:b)", "a: u\\72l(b)")
        ),
        *(
            (f'{XHTML}<p style="{style}">a</p></div>', "narrative-url")
            for style in ("@import 'a'", "behavior: url(a)", "a: ex/**/pression(b)")
        ),
        (XHTML + '<p xmlns="http://www.w3.org/2000/svg">a</p></div>', "narrative-url"),
        (XHTML + "</div>", "txt-2"),
        (XHTML + "<p> \n\t</p></div>", "txt-2"),
    ],
)
def test_what_could_run_load_or_mislead_is_refused(div: str, rule: str) -> None:
    assert rules(div) == [rule]


def test_a_deep_or_large_narrative_is_read_in_one_pass() -> None:
    assert rules(XHTML + "<p>" * 20_000 + "a" + "</p>" * 20_000 + "</div>") == []
