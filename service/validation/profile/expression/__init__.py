"""The part of FHIRPath that invariants are mostly written in, compiled to closures over plain JSON.

Paths, `where`, `exists`, `empty`, `not`, `all`, `count`, `first`, `ofType` after an element, `extension(url)`, `hasValue`, `matches`,
`length`, `toString`, indexes, literals, `%resource`, `$this`, `|`, `and or xor implies`, and comparisons of strings, numbers, booleans and
dates. The grammar is fhirpathpy's; whatever lies beyond raises Beyond, when it is compiled or, for a value that is not what was expected,
when it is asked, and the engine decides. Tests hold both to the same answers. http://hl7.org/fhirpath/N1/
"""
