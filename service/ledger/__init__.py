"""The controlled-substance ledger: what moved, from which account into which, and the rules that hold. Pure: no database, no HTTP.

amount      quantities as whole micrograms and microlitres
reading     what a FHIR resource says: is it controlled, who took part, when
entry       the numbered, chained lines of a vial, and the accounts between which amounts move
posting     from the records of a commit to the entries that they post
book        the balances of a vial, in the order of commits and in the order of events
basis       which rule is law and which is policy, and by what source
policy      the limits that a clinic sets for itself, with their version
policies    the file of them: versions, substances, sites
scene       what a rule may look at: the record as it will be after the commit
rules       CS-01 to CS-35, one function each
"""
