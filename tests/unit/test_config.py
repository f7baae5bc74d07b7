"""Settings are read from the environment and from a file, and refused by name when they make no sense."""

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from service.config import PREFIX, Settings, SettingsError


@pytest.fixture
def env_file(tmp_path: Path) -> Path:
    return tmp_path / ".env"


def _load(monkeypatch: pytest.MonkeyPatch, env_file: Path, **variables: str) -> Settings:
    for name, value in variables.items():
        monkeypatch.setenv(f"{PREFIX}{name}", value)
    return Settings.load(env_file)


def test_nothing_set_gives_the_defaults(env_file: Path) -> None:
    assert Settings.load(env_file) == Settings()


def test_values_are_typed(monkeypatch: pytest.MonkeyPatch, env_file: Path) -> None:
    settings = _load(monkeypatch, env_file, CHECK_REFERENCES="false", PAGE_MAX="20", WRITE_SECONDS="2.5", TIME_ZONE="America/Denver")
    assert settings.check_references is False
    assert settings.page_max == 20
    assert settings.write_seconds == 2.5
    assert settings.zone == ZoneInfo("America/Denver")


def test_the_file_is_read_and_the_environment_wins(monkeypatch: pytest.MonkeyPatch, env_file: Path) -> None:
    env_file.write_text(f"{PREFIX}PAGE_MAX=20\n{PREFIX}PAGE_DEFAULT=10\nSOMETHING_ELSE=1\n")
    settings = _load(monkeypatch, env_file, PAGE_MAX="30")
    assert (settings.page_max, settings.page_default) == (30, 10)


def test_a_secret_can_be_in_a_file_of_its_own(monkeypatch: pytest.MonkeyPatch, env_file: Path, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("k" * 40 + "\n")
    assert _load(monkeypatch, env_file, CURSOR_KEY_FILE=str(tmp_path / "key")).cursor_key == "k" * 40


def test_a_secret_file_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, env_file: Path) -> None:
    with pytest.raises(SettingsError, match="CURSOR_KEY_FILE"):
        _load(monkeypatch, env_file, CURSOR_KEY_FILE="/nowhere/key")


@pytest.mark.parametrize("name", ["PAGE_MAXIMUM", "DATABASE", "SECRET_FILE", ""])
def test_an_unknown_setting_is_named(monkeypatch: pytest.MonkeyPatch, env_file: Path, name: str) -> None:
    with pytest.raises(SettingsError, match=f"^{PREFIX}{name} is not a setting") as refusal:
        _load(monkeypatch, env_file, **{name: "1"})
    assert "\n" not in str(refusal.value)


def test_an_unknown_setting_in_the_file_is_named(env_file: Path) -> None:
    env_file.write_text(f"{PREFIX}PAGE_MAXIMUM=20\n")
    with pytest.raises(SettingsError, match="PAGE_MAXIMUM"):
        Settings.load(env_file)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "mysql://localhost/records"),
        ("DATABASE_URL", "sqlite:///:memory:"),
        ("DATABASE_URL", "sqlite://"),
        ("BASE_URL", "clinic.example/fhir"),
        ("BASE_URL", "https://clinic.example/fhir/"),
        ("BASE_URL", "ftp://clinic.example/fhir"),
        ("BASE_URL", "https://clinic.example/fhir?x=1"),
        ("TIME_ZONE", "Mars/Olympus"),
        ("TIME_ZONE", "../../etc/passwd"),
        ("HOLIDAYS", "Thanksgiving"),
        ("HOLIDAYS", "2026-11-31"),
        ("CURSOR_KEY", "short"),
        ("CHECK_REFERENCES", "perhaps"),
        ("BINARY_TYPES", "pdf"),
        ("BODY_BYTES", "2MiB"),
        ("BODY_BYTES", "0"),
        ("JSON_DEPTH", "-1"),
        ("PAGE_MAX", ""),
        ("WRITE_SECONDS", "nan"),
        ("WRITE_SECONDS", "0"),
        ("WORKERS", "1000"),
        ("LOG_LEVEL", "loud"),
    ],
)
def test_a_malformed_setting_is_named(monkeypatch: pytest.MonkeyPatch, env_file: Path, name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"^{PREFIX}{name} is malformed: ") as refusal:
        _load(monkeypatch, env_file, **{name: value})
    assert "\n" not in str(refusal.value)


def test_the_default_base_url_follows_the_port(monkeypatch: pytest.MonkeyPatch, env_file: Path) -> None:
    assert Settings.load(env_file, port=9000).base_url == "http://127.0.0.1:9000/fhir"
    assert Settings.load(env_file, port=9000, host="::1").base_url == "http://[::1]:9000/fhir"
    monkeypatch.setenv(f"{PREFIX}BASE_URL", "https://clinic.example/fhir")
    assert Settings.load(env_file, port=9000).base_url == "https://clinic.example/fhir"


def test_what_the_command_line_gives_wins(monkeypatch: pytest.MonkeyPatch, env_file: Path) -> None:
    monkeypatch.setenv(f"{PREFIX}WORKERS", "3")
    assert Settings.load(env_file, workers=2).workers == 2
    assert Settings.load(env_file, workers=None).workers == 3


def test_sqlite_gets_one_worker() -> None:
    assert Settings().worker_processes == 1
    assert Settings(workers=2).worker_processes == 2
    assert Settings(database_url="postgresql://127.0.0.1/records").worker_processes > 1


def test_secrets_do_not_show() -> None:
    shown = repr(Settings(database_url="postgresql://a:b4f2@127.0.0.1/records", cursor_key="k" * 32))
    assert "b4f2" not in shown
    assert "kkkk" not in shown
