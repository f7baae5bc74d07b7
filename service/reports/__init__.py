"""Reports written down: as JSON for programs, CSV and workbooks for spreadsheets, PDF for paper, with the same rows in each.

table       what a report is to the eye: title, statements, columns, rows, totals; all of it text
json_text   a report of the register as FHIR Parameters
csv_text    a report as CSV that no spreadsheet takes for formulas
xlsx        a report as a workbook, numbers as numbers and text as text
pdf         a report as PDF, with page numbers and the heading on every page
writing     which formats there are, and one function that writes a report in any of them
"""
