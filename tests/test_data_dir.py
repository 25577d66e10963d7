"""The data folder may have any name, and the database stands inside it; what is a URL is read as one."""

from pathlib import Path
from typing import Any

import pytest

from charon import connections
from tests.processes import environment, manage

NAMES = (
    *("da#ta", "a?b=c", "a?b", "100%41", "%2F", "q'u\"o te", "zażółć", "&;$HOME", "[::1]", "back\\slash", ":memory:"),
    *("file:x", "user:pass@host", "new\nline", "~", " ends with a space ", "\udcff\udcfe"),
)


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("DATABASE_URL", "DB_HOST", "DB_PORT", "DB_USER", "DB_PASSWORD", "DB_NAME"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


@pytest.mark.parametrize("name", NAMES)
def test_the_database_stands_inside_its_folder_whatever_that_is_called(
    plain: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    assert Path(connections.database(tmp_path / name)["NAME"]).parent == tmp_path / name


@pytest.mark.parametrize("value", ["p@ss/w#rd?", "%41", "ż", ":"])
def test_a_password_is_taken_as_it_stands(plain: pytest.MonkeyPatch, value: str) -> None:
    plain.setenv("DB_HOST", "/run/postgresql")
    plain.setenv("DB_PASSWORD", value)
    found = connections.database(Path("data"))
    assert (found["HOST"], found["PASSWORD"], found["NAME"]) == ("/run/postgresql", value, "charon")


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:////x/da#ta/c.sqlite3",
        "sqlite:////x/da?ta/c.sqlite3",
        "postgres://u:hunter#2@db/charon",
        "sqlite:////x#",
    ],
)
def test_a_url_that_would_be_cut_off_is_refused_without_being_shown(plain: pytest.MonkeyPatch, url: str) -> None:
    plain.setenv("DATABASE_URL", url)
    with pytest.raises(ValueError, match=r"^DATABASE_URL: a # or") as refused:
        connections.database(Path("data"))
    assert "hunter" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "name"),
    [("sqlite:////x/da%23ta/c.sqlite3", "/x/da#ta/c.sqlite3"), ("postgres://u:p%23@db/c?sslmode=require", "c")],
)
def test_a_url_that_is_written_right_is_understood(plain: pytest.MonkeyPatch, url: str, name: str) -> None:
    plain.setenv("DATABASE_URL", url)
    assert connections.database(Path("data"))["NAME"] == name


@pytest.mark.processes
def test_two_folders_whose_names_begin_alike_share_nothing(tmp_path: Path) -> None:
    folders = [tmp_path / "da#one", tmp_path / "da#two", tmp_path / "\udcff"]
    for folder in folders:
        assert manage("migrate", env=environment(folder)).returncode == 0
    assert sorted(tmp_path.iterdir()) == sorted(folders)
    assert all((folder / "charon.sqlite3").is_file() for folder in folders)


@pytest.mark.processes
def test_an_empty_data_dir_is_the_usual_folder_and_not_this_one(tmp_path: Path, settings: Any) -> None:
    said = manage("shell", "-v0", "-c", "from django.conf import settings; print(settings.DATA_DIR)",
                  env=environment(tmp_path) | {"DATA_DIR": "", "SECRET_KEY": "x" * 50})  # fmt: skip
    assert said.stdout.strip() == str(settings.BASE_DIR / "data")
