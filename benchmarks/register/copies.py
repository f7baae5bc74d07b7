"""Makes many years out of some days: the lines, vials and rows of the log once more, under other ids, so many times, earlier and earlier.

Loading 50,000 visits through the commit takes most of an hour, and shows nothing that a thousand of them do not. What a report reads is
the same either way; the copies have no resources behind them.
"""

from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

_SHIFT = 14 * 24 * 3_600_000_000
_VIAL = (
    "vial, substance, name, form, schedule, strength_ug_per_ml, content_ug, ndc, lot, expires, serial, site, safe, remaining_ug, entries,"
    " head"
)
_LINE = (
    "vial, number, kind, reverses, source, draw, occurred, recorded, origin, target, amount_ug, volume_ul, site, safe, patient, encounter,"
    " performer, witness, flags, policy, previous, hash"
)
_ROW = (
    "administration, version, status, started, ended, recorded, is_late, is_amended, site, patient, encounter, request, orderer,"
    " performers, vials, draws, amount_ug, route, rates, indication, reasons"
)
_MARKED = frozenset({"vial", "serial", "draw", "administration", "encounter", "request", "vials", "draws"})
_MOVED = frozenset({"occurred", "started", "ended"})


def multiply(url: str, times: int) -> int:
    """Until there are `times` as many; how many rows the log has then. Vials, draws and visits have one id each there."""
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg") if url.startswith("postgresql") else url)
    with engine.begin() as connection:
        for number in range(1, times):
            for table, columns in (("ledger_vial", _VIAL), ("ledger_entry", _LINE), ("register_administration", _ROW)):
                chosen = ", ".join(_changed(name.strip()) for name in columns.split(","))
                first = {"ledger_vial": "vial", "ledger_entry": "vial", "register_administration": "administration"}[table]
                statement = f"INSERT INTO {table} ({columns}) SELECT {chosen} FROM {table} WHERE {first} NOT LIKE '%.copy%'"
                connection.execute(text(statement), {"mark": f".copy{number}", "shift": number * _SHIFT})
        count = int(connection.execute(text("SELECT count(*) FROM register_administration")).scalar_one())
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE" if url.startswith("postgresql") else "ANALYZE"))
    engine.dispose()
    return count


def _changed(name: str) -> str:
    if name in _MARKED:
        return f"CASE WHEN {name} = '' THEN '' ELSE {name} || :mark END"
    return f"{name} - :shift" if name in _MOVED else name
