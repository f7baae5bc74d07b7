"""What came in: each container with its supplier, by name, address and DEA registration, its invoice and who received it.

21 CFR 1304.22(c) asks for the name, the finished form and the volume of each container, for the number of containers, the date, and the
name, address and registration of the supplier. A vial that was met without a receipt stands here too, flagged `unreceived`.
"""

from service.ledger import reading
from service.ledger.entry import OPENED, RECEIVED, Entry
from service.records.context import Context
from service.records.register import cells, inquiry
from service.records.register.heading import address, registration
from service.records.register.inquiry import Inquiry
from service.records.register.question import Question
from service.records.register.report import INSTANT, LAW, NUMBER, POLICY, REFERENCE, UG, UL, Column, Report, Row
from service.records.register.sheets import Tree
from service.storage.ledger import Vial

INVOICE = "https://clinic.example/fhir/sid/invoice"
COLUMNS = (
    Column("received", "Received", INSTANT, LAW, width=10),
    *cells.PRODUCT,
    *cells.CONTAINER,
    Column("containers", "Containers", NUMBER, LAW, width=5),
    Column("amount", "Amount mg", UG, LAW, width=6),
    Column("volume", "Volume mL", UL, LAW, width=6),
    Column("supplier", "Supplier", basis=LAW, width=12),
    Column("supplier-address", "Supplier's address", basis=LAW, width=14),
    Column("supplier-dea", "Supplier's DEA registration", basis=LAW, width=8),
    Column("invoice", "Invoice", basis=POLICY, width=8),
    *cells.BATCH,
    *cells.SERIAL,
    Column("received-by", "Received by", basis=POLICY, width=10),
    Column("second-receiver", "Second receiver", basis=POLICY, width=10),
    Column("flags", "Flags", basis=POLICY, width=7),
    Column("record", "Record", REFERENCE, width=10),
)


def report(ctx: Context, asked: Question) -> Report:
    """The receipts of a period. Raises Forbidden, and BadRequest for what is too much."""
    with inquiry.opened(ctx, asked) as one:
        found = one.standing((RECEIVED, OPENED))
        one.sheets.load(named for line in found.lines for named in (line.reference, line.performer, line.witness))
        deliveries = [_delivery(one, line) for line in found.lines]
        one.sheets.load(reading.target(each.get("supplier")) for each in deliveries)
        rows = [_row(one, found.vial(line), line, each) for line, each in zip(found.lines, deliveries, strict=True)]
        header = one.header(COLUMNS, "21 CFR 1304.22(c)")
    totals = cells.totals(COLUMNS, rows, ("containers", "amount", "volume"))
    return Report("cs-receipts", "Controlled substances received", header, COLUMNS, rows, one.zone, totals)


def _delivery(one: Inquiry, line: Entry) -> Tree:
    """The receipt; empty for a vial that was met without one."""
    return (one.sheets.get(line.reference) or {}) if line.kind == RECEIVED else {}


def _row(one: Inquiry, vial: Vial, line: Entry, delivery: Tree) -> Row:
    from_whom = reading.target(delivery.get("supplier"))
    supplier = one.sheets.get(from_whom) or {}
    return (
        line.occurred,
        *cells.product(vial),
        *cells.container(vial),
        1,
        line.amount_ug,
        line.volume_ul,
        one.name(from_whom),
        address(supplier),
        registration(supplier),
        next((each.get("value", "") for each in delivery.get("identifier", ()) if each.get("system") == INVOICE), ""),
        *cells.batch(vial),
        *cells.serial(vial),
        one.name(line.performer),
        one.name(line.witness),
        line.flags,
        line.reference,
    )
