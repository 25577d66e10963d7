"""Settings of the test run: in-memory SQLite, no Redis, no `.env`, no file of the developer's own installation.

TEST_DATABASE_URL and TEST_REDIS_URL put real servers in their place (`make test-services`). Every worker of a run in
parallel has a database of its own on both.
"""

import os
import tempfile
from pathlib import Path


def redis_url() -> str:
    """That of TEST_REDIS_URL, its number moved on by the worker's."""
    server, _, number = os.environ.get("TEST_REDIS_URL", "").rpartition("/")
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    return f"{server}/{int(number) + int(worker)}" if server else ""


os.environ.update(
    {
        "ENV_FILE": os.devnull,
        "DATABASE_URL": os.environ.get("TEST_DATABASE_URL", "sqlite://:memory:"),
        "DATA_DIR": tempfile.mkdtemp(prefix="charon-tests-"),
        # Compiled once a checkout: a rule costs a second in each worker and in each test with its own data folder.
        "NUMBA_CACHE_DIR": str(Path(__file__).parent.parent / ".numba_cache"),
        "SECRET_KEY": "only-for-tests-" + "x" * 50,
        "REDIS_URL": redis_url(),
        "LOG_LEVEL": "WARNING",
        "LC_MESSAGES": "en_US.UTF-8",
        # Nobody listens on port 9 of this machine: a test that mines names its own replica.
        "NBP_BASE_URL": "http://127.0.0.1:9/api/",
        **{f"{name}_BASE_URL": "http://127.0.0.1:9/" for name in ("ECB", "COINGECKO", "DERIBIT", "BINANCE", "POLYGON")},
        "COINGECKO_API_KEY": "",
        "POLYGON_API_KEY": "",
        # All tests ask from one address; those of the limits switch them on.
        **{f"LIMIT_{kind}": "0" for kind in ("READS", "WRITES", "HEAVY", "LOGINS")},
    }
)
os.environ.pop("LC_ALL", None)  # it would win over LC_MESSAGES
for proxy in ("http_proxy", "https_proxy", "all_proxy"):
    os.environ.pop(proxy, None)
    os.environ.pop(proxy.upper(), None)
for name in (
    "DB_HOST",
    "DEBUG",
    "HOST",
    "PORT",
    "REFRESH_SECONDS",
    "NBP_CONNECTIONS",
    "ALLOWED_HOSTS",
    "LOG_FORMAT",
    "LOG_ACCESS",
    "SENTRY_DSN",
    "API_TOKEN",
    "REDIS_PREFIX",
    "ENABLE_METRICS_ENDPOINT",
    "DB_POOL",
    "WEB_WORKERS",
    "DJANGO_THREADS",
    "PROMETHEUS_MULTIPROC_DIR",
):
    os.environ.pop(name, None)

from charon.settings import *  # noqa: E402, F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
