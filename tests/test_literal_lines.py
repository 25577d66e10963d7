"""Lines that the original documents have, and the ways in which people write them: they start, or say why not."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from charon import startup_messages, variables
from tests.processes import ROOT, environment, manage

SHOW = "import json; from charon import settings; print(json.dumps(%s))"
DATABASE = "[settings.DATABASES['default'][key] for key in ('HOST', 'PORT', 'USER', 'NAME')]"


def shown(folder: Path, what: str, **lines: str) -> Any:
    """What a start with these lines makes of them."""
    done = subprocess.run(
        [sys.executable, "-c", SHOW % what], cwd=ROOT, env=environment(folder, **lines), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("lines", "what", "value"),
    [
        ({"DATABASE_URL": "postgresql+psycopg://app:app@postgres:5432/app"}, DATABASE,
         ["postgres", 5432, "app", "app"]),
        ({"DATABASE_URL": "postgresql+asyncpg://u:p@db/c"}, DATABASE, ["db", "", "u", "c"]),
        ({"DATABASE_URL": " 'postgres://u:p@db/c' "}, DATABASE, ["db", "", "u", "c"]),
        ({"FETCH_INTERVAL": "60.0"}, "settings.FETCH_INTERVAL", 60),
        ({"REFRESH_SECONDS": "3600.0", "PORT": '"8123"', "RETENTION_DAYS": " 30 "},
         "[settings.REFRESH_SECONDS, settings.PORT, settings.RETENTION_DAYS]", [3600, 8123, 30]),
        ({"LOG_LEVEL": "info"}, "settings.LOG_LEVEL", "INFO"),
        ({"LOG_LEVEL": "Warning ", "LOG_FORMAT": "JSON"}, "[settings.LOG_LEVEL, settings.LOG_FORMAT]",
         ["WARNING", "json"]),
        ({"DEBUG": "True", "DEMO": "yes", "CDN_ENABLED": "Off", "ENABLE_METRICS_ENDPOINT": " 'on' "},
         "[settings.DEBUG, settings.DEMO, settings.CDN_ENABLED, settings.ENABLE_METRICS_ENDPOINT]",
         [True, True, False, True]),
        ({"PORT": "", "DEBUG": "", "LOG_LEVEL": "", "NBP_BASE_URL": ""},
         "[settings.PORT, settings.DEBUG, settings.LOG_LEVEL, settings.NBP_BASE_URL]",
         [8000, False, "INFO", "https://api.nbp.pl/api/"]),
        ({"ASSETS": "BTC, 'ETH',"}, "settings.ASSETS", ["BTC", "ETH"]),
        ({"REDIS_HOST": "redis"}, "settings.REDIS_URL", "redis://redis:6379/0"),
        ({"REDIS_HOST": "127.0.0.1", "REDIS_PORT": "6380", "REDIS_DB": "2"}, "settings.REDIS_URL",
         "redis://127.0.0.1:6380/2"),
        ({"REDIS_HOST": "redis", "REDIS_URL": "redis://other:6379/1"}, "settings.REDIS_URL", "redis://other:6379/1"),
        ({"REDIS_HOST": "redis", "REDIS_ENABLED": "0"}, "settings.REDIS_URL", ""),
        ({"REDIS_HOST": "::1"}, "settings.REDIS_URL", "redis://[::1]:6379/0"),
        ({"REDIS_URL": "REDIS://redis:6379"}, "settings.REDIS_URL", "redis://redis:6379"),
        ({"DATABASE_URL": "PostgreSQL+psycopg://u:p@db/c"}, DATABASE, ["db", "", "u", "c"]),
        ({"DB_HOST": "db", "DB_NAME": "", "DB_USER": "", "DB_PORT": "5433.0"}, DATABASE,
         ["db", 5433, "charon", "charon"]),
        ({"ALLOWED_HOSTS": ""}, "settings.ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]", "127.0.0.1"]),
        ({"ALLOWED_ORIGINS": "HTTPS://Rates.Example.org:443/,http://localhost:5173"}, "settings.CORS_ALLOWED_ORIGINS",
         ["https://rates.example.org", "http://localhost:5173"]),
        ({"CSRF_TRUSTED_ORIGINS": "https://*.example.org"}, "settings.CSRF_TRUSTED_ORIGINS", ["https://*.example.org"]),
        ({"TIMEOUT": "5"}, "settings.DERIBIT_TIMEOUT", 5.0),
        ({"TIMEOUT": "5", "DERIBIT_TIMEOUT": "7.5"}, "settings.DERIBIT_TIMEOUT", 7.5),
        ({"BASE_URL": "https://www.deribit.com/api/v2/public", "DERIBIT_BASE_URL": ""}, "settings.DERIBIT_BASE_URL",
         "https://www.deribit.com/api/v2/"),
        ({"ENABLE_EXCEPTION_LOGGING": "false"}, "settings.LOGGING['handlers']['console']['filters']",
         ["request_id", "route_only", "once_per_cause", "no_traceback"]),
        ({"ENABLE_WORKER_METRICS": "true", "WORKER_METRICS_PORT": "8001"},
         "[settings.ENABLE_WORKER_METRICS, settings.WORKER_METRICS_PORT]", [True, 8001]),
    ],
)  # fmt: skip
def test_a_line_starts_and_means_what_it_says(tmp_path: Path, lines: dict[str, str], what: str, value: Any) -> None:
    assert shown(tmp_path, what, **lines) == value


@pytest.mark.processes
@pytest.mark.parametrize("name", ["BROKER_URL", "RESULT_BACKEND"])
def test_a_variable_without_use_is_named_once_and_stops_nothing(tmp_path: Path, name: str) -> None:
    done = manage("prepare", env=environment(tmp_path, **{name: "redis://:hidden@redis:6379/1"}))
    assert done.returncode == 0
    (line,) = [line for line in done.stderr.splitlines() if name in line]
    assert f"{name} is not used: tasks wait in the database" in line
    assert "hidden" not in done.stderr


@pytest.mark.slow
def test_the_file_is_read_and_the_environment_wins(tmp_path: Path) -> None:
    file = tmp_path / "variables"
    file.write_text(
        "# a comment\nexport LOG_LEVEL=warning # loud\nFETCH_INTERVAL = 90.0\n\nTIMEOUT='5'\nREDIS_PREFIX=file:\n"
        'DATABASE_URL="postgresql+psycopg://app:a#p@postgres:5432/app"\nPROMETHEUS_MULTIPROC_DIR=\n'
    )
    what = """[settings.LOG_LEVEL, settings.FETCH_INTERVAL, settings.DERIBIT_TIMEOUT, settings.REDIS_PREFIX,
        settings.DATABASES['default']['HOST']]"""
    given = {"ENV_FILE": str(file), "REDIS_PREFIX": "environment:", "DATABASE_URL": "postgres://u:p@other/c"}
    assert shown(tmp_path, what, **given) == ["WARNING", 90, 5.0, "environment:", "other"]


def test_a_folder_for_metrics_is_made(tmp_path: Path) -> None:
    folder = tmp_path / "metrics"
    assert shown(tmp_path, "1", PROMETHEUS_MULTIPROC_DIR=str(folder)) == 1
    assert folder.is_dir()


@pytest.mark.slow
def test_an_empty_folder_for_metrics_is_none_and_quotes_are_no_part_of_it(tmp_path: Path) -> None:
    """prometheus_client reads the variable too, and the start of web empties the folder."""
    said = "__import__('os').environ.get('PROMETHEUS_MULTIPROC_DIR')"
    assert shown(tmp_path, said, PROMETHEUS_MULTIPROC_DIR="") is None
    assert shown(tmp_path, said, PROMETHEUS_MULTIPROC_DIR=" ") is None
    assert shown(tmp_path, said, PROMETHEUS_MULTIPROC_DIR=f'"{tmp_path}/metrics"') == f"{tmp_path}/metrics"
    assert (tmp_path / "metrics").is_dir()


@pytest.mark.processes
def test_a_known_password_warns_and_starts(tmp_path: Path) -> None:
    url = "postgresql+psycopg://app:app@postgres:5432/app"
    done = manage("check", env=environment(tmp_path, DATABASE_URL=url))
    assert done.returncode == 0
    assert "charon.W004" in done.stderr


REFUSED = [
    ({"DATABASE_URL": "foo"}, "DATABASE_URL: to nie jest adres bazy danych", "DATABASE_URL: is no address"),
    ({"DATABASE_URL": "mysql://u:hidden@db/c"}, "DATABASE_URL: mysql:// nie jest obsługiwane",
     "DATABASE_URL: mysql:// is not supported"),
    ({"DATABASE_URL": "postgres://u:hidden@db:5432"}, "DATABASE_URL: brakuje nazwy bazy danych",
     "DATABASE_URL: the name of the database is missing"),
    ({"DATABASE_URL": "sqlite://"}, "DATABASE_URL: brakuje nazwy", "DATABASE_URL: the name"),
    ({"DATABASE_URL": "postgres://u:hid/den@db/c"}, "DATABASE_URL: port nie jest portem", "DATABASE_URL: the port"),
    ({"DATA_DIR": "/dev/null/data"}, "Nie można używać folderu DATA_DIR /dev/null/data: to nie jest folder",
     "DATA_DIR /dev/null/data cannot be used: Not a directory"),
    ({"PORT": "60.5"}, "PORT: to nie jest liczba całkowita", "PORT: is not a whole number"),
    ({"PORT": "70000"}, "PORT: ma wynosić od 1 do 65535", "PORT: must be 1 to 65535"),
    ({"DEBUG": "perhaps"}, "DEBUG: ma być 1 albo 0", "DEBUG: is neither yes nor no"),
    ({"LOG_LEVEL": "loud"}, "LOG_LEVEL: ma być jednym z: DEBUG, INFO, WARNING, ERROR", "LOG_LEVEL: must be one of"),
    ({"REDIS_LOG_READS": "nan"}, "REDIS_LOG_READS: to nie jest liczba", "REDIS_LOG_READS: is not a number"),
    ({"REDIS_URL": "http://:hidden@redis"}, "REDIS_URL: ma się zaczynać", "REDIS_URL: must begin"),
    ({"RIBBON_SPANS": "20,55"}, "RIBBON_SPANS: ma być 8 liczbami całkowitymi od 1 do 400, każda większa",
     "RIBBON_SPANS: must be 8 whole numbers from 1 to 400, each above"),
    ({"REDIS_URL": "redis:hidden"}, "REDIS_URL: ma się zaczynać", "REDIS_URL: must begin"),
    ({"REDIS_URL": "redis://[::hidden"}, "REDIS_URL: port nie jest portem", "REDIS_URL: the port"),
    ({"REDIS_URL": "redis://redis:6379/hidden"}, "REDIS_URL: po nazwie serwera stoi numer bazy",
     "REDIS_URL: behind the host"),
    ({"REDIS_HOST": "redis:6380"}, "REDIS_HOST: to nie jest nazwa ani adres", "REDIS_HOST: is no name"),
    ({"REDIS_HOST": "redis", "REDIS_PORT": "70000"}, "REDIS_PORT: ma wynosić od 1 do 65535",
     "REDIS_PORT: must be 1 to 65535"),
    ({"REDIS_HOST": "redis", "REDIS_DB": "-1"}, "REDIS_DB: ma wynosić co najmniej 0", "REDIS_DB: must be at least 0"),
    ({"DB_HOST": "db", "DB_PORT": "0"}, "DB_PORT: ma wynosić od 1 do 65535", "DB_PORT: must be 1 to 65535"),
    ({"FETCH_INTERVAL": "9" * 20}, "FETCH_INTERVAL: to za duża liczba", "FETCH_INTERVAL: is too large"),
    ({"RETENTION_DAYS": "40000"}, "RETENTION_DAYS: ma wynosić od 1 do 36500", "RETENTION_DAYS: must be 1 to 36500"),
    ({"ALLOWED_ORIGINS": "https://*.example.org"}, "ALLOWED_ORIGINS: https://*.example.org nie jest",
     "ALLOWED_ORIGINS: https://*.example.org is no origin"),
    ({"CHANNEL_ALLOWED_HOSTS": "http://10.0.0.5"}, "CHANNEL_ALLOWED_HOSTS: http://10.0.0.5 nie jest hostem",
     "CHANNEL_ALLOWED_HOSTS: http://10.0.0.5 is no host"),
    ({"CSRF_TRUSTED_ORIGINS": "*"}, "CSRF_TRUSTED_ORIGINS: * nie jest", "CSRF_TRUSTED_ORIGINS: * is no origin"),
    ({"NBP_BASE_URL": "https://hidden?x"}, "NBP_BASE_URL: to nie jest", "NBP_BASE_URL: is not an http(s) URL"),
    ({"NBP_BASE_URL": "https://hidden:99999/"}, "NBP_BASE_URL: to nie jest", "NBP_BASE_URL: is not an http(s) URL"),
    ({"NBP_BASE_URL": "ftp://hidden"}, "NBP_BASE_URL: to nie jest adres http(s)",
     "NBP_BASE_URL: is not an http(s) URL"),
    ({"PROMETHEUS_MULTIPROC_DIR": "/dev/null/x"}, "PROMETHEUS_MULTIPROC_DIR: to nie jest folder",
     "PROMETHEUS_MULTIPROC_DIR: Not a directory"),
    ({"ENV_FILE": "/none/of/them"}, "ENV_FILE: nie ma takiego pliku", "ENV_FILE: No such file"),
    ({"ENV_FILE": "/proc"}, "ENV_FILE: to jest folder", "ENV_FILE: Is a directory"),
    ({"ENV_FILE": sys.executable}, "ENV_FILE: to nie jest tekst w UTF-8", "ENV_FILE: is no text in UTF-8"),
    ({"PROMETHEUS_MULTIPROC_DIR": "/proc"}, "PROMETHEUS_MULTIPROC_DIR: nie ma takiego pliku ani folderu",
     "PROMETHEUS_MULTIPROC_DIR: No such file or directory"),
    ({"PROMETHEUS_MULTIPROC_DIR": "/dev/null"}, "PROMETHEUS_MULTIPROC_DIR: istnieje plik o tej nazwie",
     "PROMETHEUS_MULTIPROC_DIR: File exists"),
]  # fmt: skip


@pytest.mark.processes
@pytest.mark.parametrize(("lines", "polish", "english"), REFUSED)
@pytest.mark.parametrize(
    "language", [{"LC_MESSAGES": "", "LANG": "C.UTF-8"}, {"LC_MESSAGES": "", "LANG": "en_GB.UTF-8"}]
)
def test_what_cannot_be_right_is_one_line_in_the_operators_language(
    tmp_path: Path, lines: dict[str, str], polish: str, english: str, language: dict[str, str]
) -> None:
    done = manage("up", env=environment(tmp_path, **lines | language))
    assert (done.returncode, done.stdout) == (1, "")
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert (english if "en" in language["LANG"] else polish) in done.stderr
    assert "hid" not in done.stderr


@pytest.mark.processes
def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    """Root writes into every folder of a disk, but not into one of the kernel's."""
    folder = Path("/proc/charon") if os.geteuid() == 0 else tmp_path / "locked"
    if folder.parent == tmp_path:
        folder.mkdir(mode=0o555)
    for given in ({}, {"SECRET_KEY": "x" * 50}):
        done = manage("up", env=environment(folder, **given))
        assert (done.returncode, len(done.stderr.splitlines())) == (1, 1), done.stderr
        assert done.stderr.startswith(f"DATA_DIR {folder} cannot be used: ")


@pytest.mark.parametrize(
    ("variables_of_the_system", "english"),
    [
        ({}, False),
        ({"LANG": "pl_PL.UTF-8"}, False),
        ({"LANG": "C.UTF-8"}, False),
        ({"LANG": "en_US.UTF-8"}, True),
        ({"LANG": "en_US.UTF-8", "LC_MESSAGES": "pl_PL.UTF-8"}, False),
        ({"LANG": "pl_PL.UTF-8", "LC_ALL": "en_GB"}, True),
    ],
)
def test_the_language_is_that_of_the_system(
    monkeypatch: pytest.MonkeyPatch, variables_of_the_system: dict[str, str], english: bool
) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables_of_the_system.items():
        monkeypatch.setenv(name, value)
    assert startup_messages.speaks_english() is english


def test_a_password_and_a_folder_are_taken_as_they_stand(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in variables.AS_WRITTEN:
        monkeypatch.setenv(name, " 'x' ")
        assert variables.env.str(name, "") == " 'x' "
