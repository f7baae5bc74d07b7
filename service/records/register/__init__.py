"""The register of controlled substances: how the ledger follows from the record, inside the commit, and how it is read.

scene       the record around a commit, for the rules
following   from the writes of a commit to findings, lines and what must be opened because of them
gate        who may read the register, and of which sites
report      what a report is: columns, rows, totals, and how a cell becomes text
heading     what stands above every report: the registered location, who made it, as of when
"""
