"""Array literals: what goes in comes out, as https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO reads them."""

import psycopg
import pytest

from service.storage import arrays

TEXTS = ['{"a":"b\\"c\\\\d"}', "", "NULL", "null", ",", "{}", " x ", "\\", '"', "é\u2003\n", "'%s"]


@pytest.mark.parametrize("values", [TEXTS, [None, *TEXTS, None], ["a"], []])
def test_texts(databases, values: list[str | None]) -> None:
    with databases.fresh("postgresql", migrated=False) as url, psycopg.connect(url) as connection:
        assert connection.execute("SELECT %s::text[]", [arrays.literal(values)]).fetchone() == (values,)


@pytest.mark.parametrize("values", [[1, -2, 2**63 - 1], [None, 0], []])
def test_numbers(databases, values: list[int | None]) -> None:
    with databases.fresh("postgresql", migrated=False) as url, psycopg.connect(url) as connection:
        assert connection.execute("SELECT %s::int8[]", [arrays.literal(values)]).fetchone() == (values,)
