"""Codes that are decided by how they are written: mime types, languages and currencies. There is no list of them.

https://hl7.org/fhir/R4/valueset-mimetypes.html, https://www.rfc-editor.org/info/bcp47, ISO 4217
"""

import re

_WORD = r"[A-Za-z0-9!#$%&'*+.^_`|~-]+"
MIME_TYPE = re.compile(rf'{_WORD}/{_WORD}(?:\s*;\s*{_WORD}=(?:{_WORD}|"[^"\\\r\n]*"))*;?')
LANGUAGE = re.compile(r"(?:[A-Za-z]{2,8}|[ixIX](?=-))(?:-[A-Za-z0-9]{1,8})*")
CURRENCY = re.compile(r"[A-Z]{3}")
