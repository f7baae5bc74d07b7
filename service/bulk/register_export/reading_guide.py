"""The README of every export: what its files are, and how they are verified."""

GUIDE = """\
An export of the register of controlled substances
===================================================

    schedule-i-ii/     what is of Schedule I or II, or has no schedule on record
    schedule-iii-v/    what is of Schedules III to V

Each of these directories, where there was anything of it, has

    *.csv, *.pdf       the reports, for people: the same rows in both; a long one in several files, by period or by lot
    ledger.ndjson      every line of every vial, from the first to the last, whatever its date: a chain with gaps would prove nothing
    vials.ndjson       every vial: substance, strength, lot, expiry, serial number, what it holds
    <Type>.ndjson      the FHIR R4 resources that the lines follow from, and those that vouch for them, each with all its versions

Amounts in ledger.ndjson and vials.ndjson are micrograms and microlitres, instants microseconds since 1970-01-01T00:00:00Z.

To verify it
------------

    pip install cryptography
    python verify.py .

It reads manifest.txt, which has the SHA-256 of every file and is signed by the key of the clinic's audit log; checks every file; recounts
every vial; and looks for the record behind every line. It asks nobody: no network, no database. Python 3.11 or newer.

The keys are in pubkeys.txt. Whether they are those of the clinic is shown by a checkpoint of its audit log that was obtained elsewhere or
earlier, from https://<the clinic>/audit/checkpoint:

    python verify.py . --trusted-checkpoint checkpoint-kept-elsewhere.txt

The files hold data of patients and of controlled substances. Protect them like the record.
"""
