"""The demonstration clinic: one invented day of a ketamine infusion clinic, the same for the same seed and day.

    clinic      the day, as transaction Bundles
    schedule    who comes when, for what, and what happens
    visit       the frame of a visit: people, room, times, Encounter
    infusion, rescue, incidents, vitals, scales, checklists, vials, chart, premises, people    what a visit consists of
    history, corrections, inventory     when records were made, what was mended, what was counted
    years, years_day, years_vials       two years of a larger clinic, for measurements
    elements, codes, transaction    the small change: datatypes, codes, Bundle entries
    load        puts the clinic into an empty database

Every person here is invented. The resources are built with the R4B models of fhir.resources and leave as plain trees with
exact decimals. Import this package only when it is used: the models take a quarter of a second to load.
"""
