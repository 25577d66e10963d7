"""The system checks for settings that are allowed but probably a mistake."""

import ipaddress
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core import checks

from miner.providers import PROVIDERS
from miner.sources import source_code

MIN_SECRET = 32
# Of examples and images: in the original documents, and in those of PostgreSQL and its tools.
KNOWN_PASSWORDS = frozenset(
    {"app", "postgres", "password", "passw0rd", "secret", "admin", "root", "changeme", "charon", "example", "test",
     "user", "123456", "12345678"}
)  # fmt: skip


@checks.register(checks.Tags.security)
def debug_is_local(**_: Any) -> list[checks.CheckMessage]:
    if not settings.DEBUG or is_loopback(settings.HOST):
        return []
    text = f"DEBUG is on and HOST is {settings.HOST}: error pages show settings and source code to the network."
    return [checks.Warning(text, hint="Set DEBUG=0, or HOST=127.0.0.1.", id="charon.W001")]


@checks.register(checks.Tags.security)
def secret_is_long(**_: Any) -> list[checks.CheckMessage]:
    if len(settings.SECRET_KEY) >= MIN_SECRET:
        return []
    hint = "Leave SECRET_KEY out: Charon makes one in the data folder."
    return [checks.Warning(f"SECRET_KEY has fewer than {MIN_SECRET} characters.", hint=hint, id="charon.W002")]


@checks.register(checks.Tags.security)
def secret_file_is_private(**_: Any) -> list[checks.CheckMessage]:
    path = Path(settings.DATA_DIR) / "secret_key"
    if not path.exists() or not path.stat().st_mode & 0o077:
        return []
    return [checks.Warning(f"{path} can be read by other users.", hint=f"chmod 600 {path}", id="charon.W003")]


@checks.register(checks.Tags.security)
def database_password_is_not_known(**_: Any) -> list[checks.CheckMessage]:
    database = settings.DATABASES["default"]
    password = database.get("PASSWORD", "")
    if not password or password.lower() not in KNOWN_PASSWORDS | {str(database.get("USER", "")).lower()}:
        return []
    text = "The password of the database is one that everybody tries first."
    return [checks.Warning(text, hint="openssl rand -hex 32 makes another.", id="charon.W004")]


@checks.register(checks.Tags.security)
def named_sources_are_installed(**_: Any) -> list[checks.CheckMessage]:
    """A new installation with a slip of the pen in SOURCES would fetch nothing, and say nothing."""
    unknown = [name for name in settings.SOURCES if source_code(name) not in PROVIDERS]
    if not unknown:
        return []
    text = f"SOURCES names {', '.join(unknown)}, which no installed provider is."
    return [checks.Warning(text, hint=f"There are {', '.join(sorted(PROVIDERS))}.", id="charon.W005")]


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
