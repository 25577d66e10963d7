"""Settings of the test run: in-memory SQLite, no Redis, no `.env`, no file of the developer's own installation."""

import os
import tempfile

os.environ.update(
    {
        "ENV_FILE": os.devnull,
        "DATABASE_URL": os.environ.get("TEST_DATABASE_URL", "sqlite://:memory:"),
        "DATA_DIR": tempfile.mkdtemp(prefix="charon-tests-"),
        "SECRET_KEY": "only-for-tests-" + "x" * 50,
        "REDIS_URL": "",
        "LOG_LEVEL": "WARNING",
        # Nobody listens on port 9 of this machine: a test that mines names its own replica.
        "NBP_BASE_URL": "http://127.0.0.1:9/api/",
    }
)
for proxy in ("http_proxy", "https_proxy", "all_proxy"):
    os.environ.pop(proxy, None)
    os.environ.pop(proxy.upper(), None)
for name in ("DB_HOST", "DEBUG", "HOST", "PORT", "REFRESH_SECONDS", "NBP_CONNECTIONS", "ALLOWED_HOSTS", "LOG_FORMAT"):
    os.environ.pop(name, None)

from charon.settings import *  # noqa: E402, F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
