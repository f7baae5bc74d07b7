"""Reports: tables that people take with them, as a page, as CSV for a spreadsheet and as PDF for paper, with the same rows in each.

table       what a report is: title, statements, columns, rows
csv_text    a report as CSV that no spreadsheet takes for formulas
pdf         a report as PDF, with page numbers and the statements on every page
"""
