"""Code systems and value sets: what codes mean, which lie below which, and which a value set has. Pure: whoever asks brings a `Lookup`.

Codes come from resources that are stored here and from the lists of required bindings in the definitions of R4, never from elsewhere.
https://hl7.org/fhir/R4/terminology-module.html
"""
