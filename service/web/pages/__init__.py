"""What a browser sees: the FHIR URLs as HTML pages, a home page and the reference of the API.

    views       the routes of the pages that are not FHIR: /, /docs, /openapi.yaml, /static
    resource    a FhirResponse -> the HTML page of it
    bundle, outcome, capability    what each kind of page shows; referrers: the searches for what refers to a resource
    summary     a resource in a few words: what, when, who, how much
    inspection  pages for those who inspect: asked who looks, and told; register, register_...: the register's
    tokens, highlight    JSON text -> coloured, linked JSON text, token for token
    site, policy, templating    links and local time; the headers of every page; the template environment

No page needs JavaScript (the API reference of Swagger UI excepted), and no page asks anything of another origin.
"""
