"""Where the database and Redis are, from the variables of the environment."""

import re
from ipaddress import IPv6Address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dj_database_url
from environs import validate

from charon.startup_messages import said
from charon.variables import NotUnderstood, env

# SQLAlchemy, which the original documents wrote for, names a driver behind the plus.
DRIVER = re.compile(r"^(\w+)\+\w+(?=://)")
SQLITE, POSTGRES = frozenset({"sqlite", "sqlite3"}), frozenset({"postgres", "postgresql", "pgsql"})
MEMORY = "sqlite://:memory:"
REDIS = frozenset({"redis", "rediss", "unix"})
# Names in a network of containers may have underscores; an address of IPv6 may stand in brackets.
NAME = re.compile(r"[a-z0-9]([a-z0-9._-]*[a-z0-9.])?|\[[0-9a-f:.]+\]", re.IGNORECASE)
PORTS = validate.Range(min=1, max=65535, error="must be 1 to 65535")


def redis_url() -> str:
    """REDIS_URL wins over REDIS_HOST and its kin; neither means no Redis.

    What is wrong with it is said without it: it may carry a password.
    """
    value = env.str("REDIS_URL", "")
    if not value:
        return redis_of_parts()
    scheme, separator, rest = value.partition("://")
    if not separator or scheme.lower() not in REDIS:
        raise NotUnderstood("REDIS_URL", said("must begin with redis://, rediss:// or unix://"))
    value = f"{scheme.lower()}://{rest}"
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        fault = "the port is no port, or a / in the password is not written as %2F"
        raise NotUnderstood("REDIS_URL", said(fault)) from None
    # redis-py takes what is no number for 0, the database of somebody else.
    if parts.scheme != "unix" and not re.fullmatch(r"/?|/[0-9]+/?", parts.path):
        raise NotUnderstood("REDIS_URL", said("behind the host stands the number of the database: redis://host:6379/0"))
    return value


def redis_of_parts() -> str:
    host = env.str("REDIS_HOST", "")
    port = env.int("REDIS_PORT", 6379, validate=PORTS)
    number = env.int("REDIS_DB", 0, validate=validate.Range(min=0, error="must be at least {min}"))
    if not host:
        return ""
    if not NAME.fullmatch(host) and not is_six(host):
        raise NotUnderstood("REDIS_HOST", said("is no name and no address of a host"))
    return f"redis://{f'[{host}]' if is_six(host) else host}:{port}/{number}"


def is_six(host: str) -> bool:
    try:
        return IPv6Address(host).version == 6
    except ValueError:
        return False


def database(data_dir: Path) -> dict[str, Any]:
    """DATABASE_URL wins over DB_HOST and its kin; neither means SQLite in the data folder.

    Only what is written as a URL is read as one: a folder, a socket's path or a password may hold any character.
    """
    if url := env.str("DATABASE_URL", ""):
        return database_of(url)
    if host := env.str("DB_HOST", ""):
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": env.str("DB_NAME", "") or "charon",
            "USER": env.str("DB_USER", "") or "charon",
            "PASSWORD": env.str("DB_PASSWORD", ""),
            "HOST": host,
            "PORT": env.int("DB_PORT", 5432, validate=PORTS),
        }
    return {"ENGINE": "django.db.backends.sqlite3", "NAME": str(data_dir / "charon.sqlite3")}


def database_of(url: str) -> dict[str, Any]:
    """A # or ? in a path would cut it off there, and two installations could share one file without a word."""
    url = DRIVER.sub(r"\1", url)
    scheme, separator, rest = url.partition("://")
    scheme = scheme.lower()
    if not separator:
        raise refused(
            "is no address of a database; write postgres://user:password@host:5432/name or sqlite:////absolute/path"
        )
    if scheme not in SQLITE | POSTGRES:
        fault = "{}:// is not supported; Charon works with PostgreSQL (postgres://) and SQLite (sqlite://)"
        raise refused(fault, scheme)
    url = f"{'sqlite' if scheme in SQLITE else scheme}://{rest}"
    return parsed(url) if url != MEMORY else dict(dj_database_url.parse(url))


def parsed(url: str) -> dict[str, Any]:
    query = url.partition("?")[2]
    if "#" in url or any("=" not in word for word in query.split("&") if word):
        raise refused("a # or ? in a path or password must be written as %23 or %3F")
    try:
        found = dict(dj_database_url.parse(url))
        path = urlsplit(url).path.strip("/")
    except ValueError:
        fault = "the port is no port, or a / in the password is not written as %2F"
        raise refused(fault) from None
    if not path:
        raise refused("the name of the database is missing: postgres://user:password@host:5432/name")
    return found


def refused(fault: str, *values: object) -> NotUnderstood:
    return NotUnderstood("DATABASE_URL", said(fault, *values))
