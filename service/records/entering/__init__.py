"""What staff type into the forms of the register, on its way to FHIR resources.

    typed      text -> exact amounts, moments with an offset, dates, choices; what is wrong is told with its field
    number     the ledger number of a form, which makes it count once
    elements   the parts of resources that every record of a controlled substance has
    delivery, draw, movement    the resources of a receipt, of a draw, of every other event; syringe: what a draw was diluted to
    signing    the second person, and the Provenance with both signatures
    stock      the vials and draws that there are
    choices    visits, orders, suppliers and safes to choose from
    submit     the one commit of a form; outcome: what the ledger made of it

Whoever posts here does so in the own name: the performer is the person who is signed in. docs/people.md
"""
