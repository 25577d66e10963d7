"""Every setting of Charon, read from the environment (or `.env`); docs/configuration.md has a row for each.

SQLite and no Redis by default. A value that cannot be right stops the start with one line that names it.
"""

import os
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dj_database_url
from django.core.exceptions import ImproperlyConfigured
from environs import Env, EnvError, validate

from charon import secret

BASE_DIR = Path(__file__).resolve().parent.parent
VERSION = "0.1.0"

env = Env(eager=True)
ENV_FILE = Path(os.environ.get("ENV_FILE", BASE_DIR / ".env"))
if ENV_FILE.is_file():
    env.read_env(str(ENV_FILE), recurse=False)


def http_url(name: str, default: str) -> str:
    """An absolute http(s) URL that ends in a slash, so that paths can be put behind it."""
    value = env.str(name, default).rstrip("/") + "/"
    if urlsplit(value).scheme not in {"http", "https"} or not urlsplit(value).hostname:
        raise ImproperlyConfigured(f"{name}: {value!r} is not an http(s) URL")
    return value


def redis_url() -> str:
    """What is wrong with it is said without it: it may carry a password."""
    value = env.str("REDIS_URL", "")
    if value and urlsplit(value).scheme not in {"redis", "rediss", "unix"}:
        raise ValueError("REDIS_URL must begin with redis://, rediss:// or unix://")
    try:
        urlsplit(value).port  # noqa: B018 - it is read to be checked
    except ValueError:
        raise ValueError("REDIS_URL: the port is no port, or a / in the password is not written as %2F") from None
    return value


def database() -> dict[str, Any]:
    """DATABASE_URL wins over DB_HOST and its kin; neither means SQLite in the data folder.

    Only what is written as a URL is read as one: a folder, a socket's path or a password may hold any character.
    """
    if url := env.str("DATABASE_URL", ""):
        return database_of(url)
    if host := env.str("DB_HOST", ""):
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": env.str("DB_NAME", "charon"),
            "USER": env.str("DB_USER", "charon"),
            "PASSWORD": env.str("DB_PASSWORD", ""),
            "HOST": host,
            "PORT": env.int("DB_PORT", 5432),
        }
    return {"ENGINE": "django.db.backends.sqlite3", "NAME": str(DATA_DIR / "charon.sqlite3")}


def database_of(url: str) -> dict[str, Any]:
    """A # or ? in a path would cut it off there, and two installations could share one file without a word."""
    parts = urlsplit(url) if url != "sqlite://:memory:" else urlsplit("")
    if "#" in url or any("=" not in word for word in parts.query.split("&") if word):
        raise ValueError("DATABASE_URL: a # or ? in a path or password must be written as %23 or %3F")
    return dict(dj_database_url.parse(url))


try:
    # An empty DATA_DIR is none: as a path it would be the folder that the command was called from.
    DATA_DIR = Path(env.str("DATA_DIR", "") or BASE_DIR / "data").resolve()
    DEBUG = env.bool("DEBUG", False)
    DEMO = env.bool("DEMO", False)
    HOST = env.str("HOST", "127.0.0.1")
    PORT = env.int("PORT", 8000, validate=validate.Range(min=1, max=65535, error="must be 1 to 65535"))
    # Who opened the server to the network (0.0.0.0) may be called by any name until ALLOWED_HOSTS says otherwise.
    open_to_all = HOST in {"0.0.0.0", "::"}  # noqa: S104
    known_hosts = ["*"] if open_to_all else ["localhost", "127.0.0.1", "[::1]", HOST]
    ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", known_hosts)
    # Origins whose forms are believed, with their scheme: what a browser sees of a proxy that ends HTTPS.
    CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", [])
    LOG_LEVEL = env.str("LOG_LEVEL", "INFO", validate=validate.OneOf(["DEBUG", "INFO", "WARNING", "ERROR"])).upper()
    LOG_FORMAT = env.str("LOG_FORMAT", "text", validate=validate.OneOf(["text", "json"]))
    REDIS_URL = redis_url() if env.bool("REDIS_ENABLED", True) else ""
    REDIS_PUBSUB_CHANNEL_RATES = env.str("REDIS_PUBSUB_CHANNEL_RATES", "rates.ingested")
    REDIS_PUBSUB_CHANNEL_SIGNALS = env.str("REDIS_PUBSUB_CHANNEL_SIGNALS", "signals.updated")
    # Before every channel and key: two houses on one Redis do not hear each other.
    REDIS_PREFIX = env.str("REDIS_PREFIX", "")
    REDIS_CACHE_TTL = env.int("REDIS_CACHE_TTL", 300, validate=validate.Range(min=1, error="must be at least {min}"))
    REDIS_LOG_READS = env.float(
        "REDIS_LOG_READS", 0.0, validate=validate.Range(min=0, max=1, error="must be between 0 and 1")
    )
    API_TOKEN = env.str("API_TOKEN", "")
    ENABLE_METRICS_ENDPOINT = env.bool("ENABLE_METRICS_ENDPOINT", False)
    LIVE_PORT = env.int("LIVE_PORT", 8001, validate=validate.Range(min=1, max=65535, error="must be 1 to 65535"))
    REFRESH_SECONDS = env.int("REFRESH_SECONDS", 3600, validate=validate.Range(min=60, error="must be at least {min}"))
    SOURCES: list[str] = env.list("SOURCES", [])
    NBP_BASE_URL = http_url("NBP_BASE_URL", "https://api.nbp.pl/api/")
    NBP_CONNECTIONS = env.int("NBP_CONNECTIONS", 4, validate=validate.Range(min=1, max=16, error="must be 1 to 16"))
    ECB_BASE_URL = http_url("ECB_BASE_URL", "https://www.ecb.europa.eu/stats/eurofxref/")
    COINGECKO_BASE_URL = http_url("COINGECKO_BASE_URL", "https://api.coingecko.com/api/v3/")
    COINGECKO_API_KEY = env.str("COINGECKO_API_KEY", "")
    DERIBIT_BASE_URL = http_url("DERIBIT_BASE_URL", "https://www.deribit.com/api/v2/")
    BINANCE_BASE_URL = http_url("BINANCE_BASE_URL", "https://api.binance.us/")
    POLYGON_BASE_URL = http_url("POLYGON_BASE_URL", "https://api.massive.com/")
    POLYGON_API_KEY = env.str("POLYGON_API_KEY", "")
    POLYGON_CALLS_PER_MINUTE = env.int(
        "POLYGON_CALLS_PER_MINUTE", 5, validate=validate.Range(min=1, error="must be at least {min}")
    )
    # What is followed at the first start: coins by their symbol, indexes and pairs by the source's own.
    ASSETS: list[str] = env.list("ASSETS", ["BTC", "ETH"])
    DERIBIT_INDEXES: list[str] = env.list("DERIBIT_INDEXES", ["btc_usd", "eth_usd"])
    BINANCE_SYMBOLS: list[str] = env.list("BINANCE_SYMBOLS", [])
    FETCH_INTERVAL_SECONDS = env.int(
        "FETCH_INTERVAL_SECONDS", 300, validate=validate.Range(min=60, error="must be at least {min}")
    )
    FETCH_INTERVAL = env.int("FETCH_INTERVAL", 60, validate=validate.Range(min=15, error="must be at least {min}"))
    MARKET_REFRESH_SECONDS = env.int(
        "MARKET_REFRESH_SECONDS", 30, validate=validate.Range(min=5, error="must be at least {min}")
    )
    MARKET_PRICE_TTL = env.int("MARKET_PRICE_TTL", 60, validate=validate.Range(min=1, error="must be at least {min}"))
    MARKET_DATA_PORT = env.int(
        "MARKET_DATA_PORT", 8895, validate=validate.Range(min=1, max=65535, error="must be 1 to 65535")
    )
    RETENTION_DAYS = env.int("RETENTION_DAYS", 30, validate=validate.Range(min=1, error="must be at least {min}"))
    BATCH_INTERVAL_MINUTES = env.int(
        "BATCH_INTERVAL_MINUTES", 5, validate=validate.Range(min=1, error="must be at least {min}")
    )
    BATCH_QUEUE_INTERVAL_SECONDS = env.int(
        "BATCH_QUEUE_INTERVAL_SECONDS", 15, validate=validate.Range(min=1, error="must be at least {min}")
    )
    BATCH_QUEUE_MAX_ITEMS = env.int(
        "BATCH_QUEUE_MAX_ITEMS", 2, validate=validate.Range(min=1, error="must be at least {min}")
    )
    BATCH_ENQUEUE_MINUTES = env.int(
        "BATCH_ENQUEUE_MINUTES", 30, validate=validate.Range(min=1, error="must be at least {min}")
    )
    MACD_FAST = env.int("MACD_FAST", 12, validate=validate.Range(min=1, max=400, error="must be 1 to 400"))
    MACD_SLOW = env.int("MACD_SLOW", 26, validate=validate.Range(min=1, max=400, error="must be 1 to 400"))
    MACD_SIGNAL = env.int("MACD_SIGNAL", 9, validate=validate.Range(min=1, max=400, error="must be 1 to 400"))
    SIGNAL_HORIZON_DAYS = env.int(
        "SIGNAL_HORIZON_DAYS", 5, validate=validate.Range(min=1, max=365, error="must be 1 to 365")
    )
    # Checked where the rules are known: signals.apps.
    PRIMARY_RULE = env.str("PRIMARY_RULE", "macd_cross")
    if MACD_FAST >= MACD_SLOW:
        raise ValueError(f"MACD_FAST ({MACD_FAST}) must be below MACD_SLOW ({MACD_SLOW})")
    CDN_ENABLED = env.bool("CDN_ENABLED", True)
    SECRET_KEY = env.str("SECRET_KEY", "") or secret.shared_key(DATA_DIR)
    DATABASES = {"default": database()}
    # Only a web process has threads that share; a pool inherited by the queue's forks breaks it.
    DB_POOL = env.bool("DB_POOL", False)
    DB_STATEMENT_SECONDS = env.int(
        "DB_STATEMENT_SECONDS", 60, validate=validate.Range(min=1, error="must be at least {min}")
    )
except (EnvError, ValueError, OSError) as error:
    raise ImproperlyConfigured(f"Charon's configuration: {error}") from None

SQLITE = DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3"
if SQLITE:
    # A deferred transaction that turns into a write under WAL fails at once when another wrote meanwhile: 92 % of the
    # writes of a loaded web process did. IMMEDIATE takes the lock at the start and waits its turn.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA mmap_size=134217728; "
        "PRAGMA journal_size_limit=27103364; PRAGMA cache_size=-20000; PRAGMA temp_store=MEMORY;",
    }
    if DB_POOL:
        # To open the file and set it up for each request costs 0.7 ms, more than twice a whole answer from memory.
        DATABASES["default"]["CONN_MAX_AGE"] = 600
else:
    # A database host that does not answer is an error after 5 s, not a request that hangs; nor does a statement.
    DATABASES["default"]["OPTIONS"] = {
        "connect_timeout": 5,
        "options": f"-c statement_timeout={DB_STATEMENT_SECONDS}s -c idle_in_transaction_session_timeout=120s",
    } | DATABASES["default"].get("OPTIONS", {})
    if DB_POOL:
        # A connection for each thread of web; one that PostgreSQL has closed meanwhile is replaced before it is lent.
        # While PostgreSQL is away a view holds its thread for 2 s (with 5, the twelfth reader waited 30 s). The pool
        # doubles its pauses between connects up to `reconnect_timeout`: with its 300 s pages stayed away after it.
        DATABASES["default"]["OPTIONS"]["pool"] = {
            "min_size": 1, "max_size": max(8, os.cpu_count() or 1), "timeout": 2, "reconnect_timeout": 4,
        }  # fmt: skip
        DATABASES["default"]["CONN_HEALTH_CHECKS"] = True

# One Redis is cache, messages and log at once (markets.redis.client). Nobody waits for it longer than 0.25 s.
CACHES = {
    "default": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": REDIS_URL,
        "OPTIONS": {
            "SOCKET_CONNECT_TIMEOUT": 0.25,
            "SOCKET_TIMEOUT": 0.25,
            # Charon keeps bytes of its own there. Should anybody ever use Django's cache, nothing is unpickled for it.
            "SERIALIZER": "django_redis.serializers.json.JSONSerializer",
        },
    }
    if REDIS_URL
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
    # The queue notes its own state in a cache twice a second, and logs an error each time when that is out of reach.
    "queue": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"},
}

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "django_htmx",
    "django_q",
    "ninja",
    "markets",
    "miner",
    "signals",
    "charon",
]

MIDDLEWARE = [
    "charon.metrics.measured",
    "charon.middleware.request_id",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "charon.middleware.api_paths",
    "charon.middleware.cache_rules",
    "charon.api.fast_path.ready_answers",
    "charon.middleware.page_policy",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

ROOT_URLCONF = "charon.urls"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "charon.pages.dashboard.demo",
            ],
        },
    },
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]

LANGUAGE_CODE = "pl"
LANGUAGES = [("pl", "polski")]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "Europe/Warsaw"
USE_TZ = True

STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
# The image has them collected. Elsewhere they are served straight from the apps' folders: nothing goes stale.
COLLECTED = BASE_DIR / "staticfiles"
STATIC_ROOT = COLLECTED if COLLECTED.is_dir() else None
WHITENOISE_USE_FINDERS = STATIC_ROOT is None
WHITENOISE_AUTOREFRESH = DEBUG

# Redeliver after 300 s, well past the 60 s that a task may take and the wait behind a prefetched one.
Q_WORKERS = 2
MINER_QUEUE = "charon" if SQLITE else "miner"
BRAIN_QUEUE = "charon" if SQLITE else "brain"
Q_CLUSTER = {
    "name": MINER_QUEUE,
    "orm": "default",
    "broker_class": "charon.processes.task_broker.GuardedORM",
    "cache": "queue",
    "workers": Q_WORKERS,
    # What a cluster holds in hand beyond its workers waits behind them, whatever becomes due meanwhile.
    "queue_limit": 1,
    "timeout": 60,
    "retry": 300,
    "max_attempts": 3,
    "catch_up": False,
    "poll": 1,
    # Kilobytes: a worker that has read an archive keeps that memory until another one takes its place.
    "max_rss": 180_000,
    "save_limit": 2000,
    "label": "Kolejka zadań",
    # A brain weighs 300,000 at work: with less it would begin anew, and load pandas, after each task.
    "ALT_CLUSTERS": {}
    if SQLITE
    else {BRAIN_QUEUE: {"workers": Q_WORKERS, "timeout": 60, "retry": 300, "max_rss": 400_000}},
}
TASK_WORK = timedelta(seconds=40)

NINJA_PAGINATION_MAX_LIMIT = 10_000
NINJA_NUM_PROXIES = 0

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SAMESITE = "Lax"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "text": {"()": "charon.logs.TextFormatter", "format": "%(asctime)s %(levelname)s %(name)s: %(message)s"},
        "json": {"()": "charon.logs.JsonFormatter"},
    },
    "filters": {"one_traceback": {"()": "charon.logs.OneTraceback"}},
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "stream": sys.stderr,
            "formatter": LOG_FORMAT,
            "filters": ["one_traceback"],
        }
    },
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    # The queue tells of every task at INFO: thousands of lines a day that say nothing a job's row does not.
    "loggers": {
        "httpx": {"level": "WARNING"},
        "httpcore": {"level": "WARNING"},
        "django-q": {"level": "WARNING" if LOG_LEVEL == "INFO" else LOG_LEVEL},
        "stamina": {"level": "ERROR"},  # says that it tries again, but not what or why; the job says both
    },
}
