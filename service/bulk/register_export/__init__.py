"""Exports of the register: everything about controlled substances of a period, in files that an inspector takes along and verifies.

evidence    the records that the lines of the ledger follow from, and those that tell of them
content     what is in an export: the ledger, the records with all their versions, the reports
folder      its files: written apart, summed, signed, and put in their place at once
reports     the reports in it, and reading_guide its README
by_hand     an export at once, by an operator
work        the job of the worker that makes one after the other, and clears away what has expired
"""
