"""The register of controlled substances: how the ledger follows from the record, inside the commit, and how it is read.

scene       the record around a commit, for the rules
following   from the writes of a commit to findings, lines and what must be opened because of them
gate        who may read the register, and of which sites
report      what a report is: columns, rows, totals, and how a cell becomes text
heading     what stands above every report: the registered location, who made it, as of when
lines       the ledger line by line, with balances; marks: what is marked on a line; tie: whether a vial ties out
rows        a line as cells; folio: lines as a report; story: everything that a line comes from
stock       what is in the safes; open_issues: what nobody has explained yet
"""
