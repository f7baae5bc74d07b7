"""The migrations are numbered, form one line, can be taken back, and end at the schema that the tables describe."""

import importlib
import pkgutil
from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import MetaData, inspect

from service.paths import resource_path
from service.storage import migrate, tables
from service.storage.database import Database

VERSIONS = Path(resource_path("migrations")) / "versions"


def _tables() -> MetaData:
    for module in pkgutil.iter_modules(tables.__path__):
        importlib.import_module(f"{tables.__name__}.{module.name}")
    metadata: MetaData = importlib.import_module(f"{tables.__name__}.metadata").metadata
    return metadata


def _scripts() -> ScriptDirectory:
    configuration = Config()
    configuration.set_main_option("script_location", str(resource_path("migrations")))
    configuration.set_main_option("path_separator", "os")
    return ScriptDirectory.from_config(configuration)


def test_the_files_are_numbered_in_one_line() -> None:
    names = sorted(path.name for path in VERSIONS.glob("*.py"))
    numbers = [name.split("_")[0] for name in names]
    assert numbers == [f"{number:04d}" for number in range(1, len(names) + 1)]
    revisions = list(_scripts().walk_revisions())
    assert [revision.revision for revision in reversed(revisions)] == numbers
    assert [revision.down_revision for revision in reversed(revisions)] == [None, *numbers[:-1]]


def test_there_is_one_head() -> None:
    assert len(_scripts().get_heads()) == 1


def test_every_step_can_be_taken_back(bare_database_url: str) -> None:
    database = Database(bare_database_url)
    for revision in sorted(script.revision for script in _scripts().walk_revisions()):
        before = _schema(database)
        migrate.upgrade(database, revision)
        after = _schema(database)
        migrate.downgrade(database, "-1")
        assert _schema(database) == before
        migrate.upgrade(database, revision)
        assert _schema(database) == after
    migrate.downgrade(database, "base")
    assert set(_schema(database)) <= {"alembic_version"}
    database.dispose()


def test_the_migrated_schema_is_the_one_described(database_url: str) -> None:
    database = Database(database_url)
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, _tables()) == []
    database.dispose()


def _schema(database: Database) -> dict[str, list[str]]:
    """Tables with their columns and indexes, as the database tells them."""
    inspector = inspect(database.engine)
    return {
        table: sorted(
            [column["name"] for column in inspector.get_columns(table)] + [str(index["name"]) for index in inspector.get_indexes(table)]
        )
        for table in inspector.get_table_names()
        if table != "alembic_version"
    }
