"""Every setting of Charon, read from the environment (or `.env`); docs/configuration.md has a row for each.

SQLite and no Redis by default. A value that cannot be right stops the start with one line that names it.
"""

import os
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from environs import validate

from charon import connections, log_settings, public_url, secret
from charon.serving import bodies
from charon.setting_values import between, hosts, networks, origins, ribbon
from charon.startup_messages import said
from charon.variables import NotUnderstood, choice, env, http_url, load, made_folder

BASE_DIR = Path(__file__).resolve().parent.parent
VERSION = "0.1.0"
# So many can be guessed by nobody, if they are random.
MIN_TOKEN = 16
PRIVATE_NETWORKS = ["127.0.0.0/8", "::1", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"]
NOT_NEGATIVE = validate.Range(min=0, error="must not be negative; 0 switches it off")
POSITIVE = validate.Range(min=1, error="must be at least {min}")

ENV_FILE = Path(os.environ.get("ENV_FILE") or BASE_DIR / ".env")

try:
    load(ENV_FILE)
    # An empty DATA_DIR is none: as a path it would be the folder that the command was called from.
    DATA_DIR = Path(env.str("DATA_DIR", "") or BASE_DIR / "data").resolve()
    # Where closed years are kept as files for a proxy; without it there are none (docs/history-files.md).
    HISTORY_DIR = str(Path(env.str("HISTORY_DIR", "")).absolute()) if env.str("HISTORY_DIR", "") else ""
    DEBUG = env.bool("DEBUG", False)
    DEMO = env.bool("DEMO", False)
    HOST = env.str("HOST", "127.0.0.1")
    PORT = env.int("PORT", 8000, validate=between(1, 65535))
    # Who opened the server to the network (0.0.0.0) may be called by any name until ALLOWED_HOSTS says otherwise.
    open_to_all = HOST in {"0.0.0.0", "::"}  # noqa: S104  # nosec B104
    # How the world calls this installation, and its host; https:// is that of a proxy in front.
    PUBLIC_URL, public_host = public_url.public_url(env.str("PUBLIC_URL", ""))
    known_hosts = ["*"] if open_to_all and not public_host else ["localhost", "127.0.0.1", "[::1]", HOST]
    # An empty ALLOWED_HOSTS would answer nobody.
    ALLOWED_HOSTS = [*(env.list("ALLOWED_HOSTS", []) or known_hosts), *filter(None, [public_host])]
    # Origins whose forms are believed, with their scheme: what a browser sees of a proxy that ends HTTPS.
    given_origins = origins("CSRF_TRUSTED_ORIGINS", env.list("CSRF_TRUSTED_ORIGINS", []), patterns=True)
    CSRF_TRUSTED_ORIGINS = [*given_origins, *filter(None, [PUBLIC_URL])]
    SECURITY_CONTACT = public_url.contact(env.str("SECURITY_CONTACT", "").strip())
    # Origins whose pages may read the API; * for all of them.
    ALLOWED_ORIGINS = origins("ALLOWED_ORIGINS", env.list("ALLOWED_ORIGINS", []))
    LOG_LEVEL = choice("LOG_LEVEL", "INFO", "DEBUG", "INFO", "WARNING", "ERROR")
    LOG_FORMAT = choice("LOG_FORMAT", "text", "text", "json")
    LOG_ACCESS = env.bool("LOG_ACCESS", False)
    ENABLE_EXCEPTION_LOGGING = env.bool("ENABLE_EXCEPTION_LOGGING", True)
    SENTRY_DSN = http_url("SENTRY_DSN", "").rstrip("/") if env.str("SENTRY_DSN", "") else ""
    REDIS_URL = connections.redis_url() if env.bool("REDIS_ENABLED", True) else ""
    REDIS_PUBSUB_CHANNEL_RATES = env.str("REDIS_PUBSUB_CHANNEL_RATES", "rates.ingested")
    REDIS_PUBSUB_CHANNEL_SIGNALS = env.str("REDIS_PUBSUB_CHANNEL_SIGNALS", "signals.updated")
    # Before every channel and key: two houses on one Redis do not hear each other.
    REDIS_PREFIX = env.str("REDIS_PREFIX", "")
    REDIS_CACHE_TTL = env.int("REDIS_CACHE_TTL", 300, validate=POSITIVE)
    REDIS_LOG_READS = env.float(
        "REDIS_LOG_READS", 0.0, validate=validate.Range(min=0, max=1, error="must be between 0 and 1")
    )
    MESSAGE_LOG_DETAIL = choice("MESSAGE_LOG_DETAIL", "cycles", "cycles", "keys", "reads")
    API_TOKEN = env.str("API_TOKEN", "").strip()
    if API_TOKEN and len(API_TOKEN) < MIN_TOKEN:
        fault = "must have at least {} characters; openssl rand -hex 32 makes one"
        raise NotUnderstood("API_TOKEN", said(fault, MIN_TOKEN))
    # Questions of one caller a minute, and failed logins from one address in a quarter of an hour.
    LIMIT_READS = env.int("LIMIT_READS", 600, validate=NOT_NEGATIVE)
    LIMIT_WRITES = env.int("LIMIT_WRITES", 30, validate=NOT_NEGATIVE)
    LIMIT_HEAVY = env.int("LIMIT_HEAVY", 60, validate=NOT_NEGATIVE)
    LIMIT_LOGINS = env.int("LIMIT_LOGINS", 10, validate=NOT_NEGATIVE)
    # Addresses and networks whose X-Forwarded-For is believed.
    TRUSTED_PROXIES = networks("TRUSTED_PROXIES", env.list("TRUSTED_PROXIES", ["127.0.0.0/8", "::1"]))
    ENABLE_METRICS_ENDPOINT = env.bool("ENABLE_METRICS_ENDPOINT", False)
    # Who may ask for them without a token: this machine and networks that are not the internet.
    METRICS_ALLOWED_NETWORKS = networks(
        "METRICS_ALLOWED_NETWORKS", env.list("METRICS_ALLOWED_NETWORKS", PRIVATE_NETWORKS)
    )
    # prometheus_client counts into files of this folder, and fails where there is none. The start of web empties it.
    made_folder("PROMETHEUS_MULTIPROC_DIR")
    ENABLE_WORKER_METRICS = env.bool("ENABLE_WORKER_METRICS", False)
    WORKER_METRICS_PORT = env.int("WORKER_METRICS_PORT", 8001, validate=between(1, 65535))
    LIVE_PORT = env.int("LIVE_PORT", 8002, validate=between(1, 65535))
    REFRESH_SECONDS = env.int("REFRESH_SECONDS", 3600, validate=validate.Range(min=60, error="must be at least {min}"))
    SOURCES: list[str] = env.list("SOURCES", [])
    NBP_BASE_URL = http_url("NBP_BASE_URL", "https://api.nbp.pl/api/")
    NBP_CONNECTIONS = env.int("NBP_CONNECTIONS", 4, validate=between(1, 16))
    ECB_BASE_URL = http_url("ECB_BASE_URL", "https://www.ecb.europa.eu/stats/eurofxref/")
    COINGECKO_BASE_URL = http_url("COINGECKO_BASE_URL", "https://api.coingecko.com/api/v3/")
    COINGECKO_API_KEY = env.str("COINGECKO_API_KEY", "")
    # The documents of Deribit name the public methods' own folder as well.
    DERIBIT_BASE_URL = http_url("DERIBIT_BASE_URL", "https://www.deribit.com/api/v2/").removesuffix("public/")
    DERIBIT_TIMEOUT = env.float("DERIBIT_TIMEOUT", 10.0, validate=between(1, 30))
    BINANCE_BASE_URL = http_url("BINANCE_BASE_URL", "https://api.binance.us/")
    POLYGON_BASE_URL = http_url("POLYGON_BASE_URL", "https://api.massive.com/")
    POLYGON_API_KEY = env.str("POLYGON_API_KEY", "")
    POLYGON_CALLS_PER_MINUTE = env.int("POLYGON_CALLS_PER_MINUTE", 5, validate=POSITIVE)
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
    MARKET_PRICE_TTL = env.int("MARKET_PRICE_TTL", 60, validate=POSITIVE)
    MARKET_DATA_PORT = env.int("MARKET_DATA_PORT", 8895, validate=between(1, 65535))
    RETENTION_DAYS = env.int("RETENTION_DAYS", 30, validate=between(1, 36500))
    BATCH_INTERVAL_MINUTES = env.int("BATCH_INTERVAL_MINUTES", 5, validate=POSITIVE)
    BATCH_QUEUE_INTERVAL_SECONDS = env.int("BATCH_QUEUE_INTERVAL_SECONDS", 15, validate=POSITIVE)
    BATCH_QUEUE_MAX_ITEMS = env.int("BATCH_QUEUE_MAX_ITEMS", 2, validate=POSITIVE)
    BATCH_ENQUEUE_MINUTES = env.int("BATCH_ENQUEUE_MINUTES", 30, validate=POSITIVE)
    MACD_FAST = env.int("MACD_FAST", 12, validate=between(1, 400))
    MACD_SLOW = env.int("MACD_SLOW", 26, validate=between(1, 400))
    MACD_SIGNAL = env.int("MACD_SIGNAL", 9, validate=between(1, 400))
    RSI_SPAN = env.int("RSI_SPAN", 14, validate=between(2, 400))
    RSI_LOW = env.int("RSI_LOW", 30, validate=between(1, 49))
    RSI_HIGH = env.int("RSI_HIGH", 70, validate=between(51, 99))
    BOLLINGER_SPAN = env.int("BOLLINGER_SPAN", 20, validate=between(2, 400))
    BOLLINGER_WIDTH = env.float("BOLLINGER_WIDTH", 2.0, validate=between(0.1, 10))
    VWAP_SIDE_PERCENT = env.float("VWAP_SIDE_PERCENT", 0.05, validate=between(0, 10))
    SQUEEZE_SPAN = env.int("SQUEEZE_SPAN", 20, validate=between(2, 400))
    SQUEEZE_WIDTH = env.float("SQUEEZE_WIDTH", 2.0, validate=between(0.1, 10))
    SQUEEZE_FACTOR = env.float("SQUEEZE_FACTOR", 1.5, validate=between(0.1, 10))
    STOCH_RSI_SPAN = env.int("STOCH_RSI_SPAN", 14, validate=between(2, 400))
    STOCH_RSI_WINDOW = env.int("STOCH_RSI_WINDOW", 14, validate=between(2, 400))
    STOCH_RSI_SMOOTH_K = env.int("STOCH_RSI_SMOOTH_K", 3, validate=between(1, 400))
    STOCH_RSI_SMOOTH_D = env.int("STOCH_RSI_SMOOTH_D", 3, validate=between(1, 400))
    STOCH_RSI_LOW = env.int("STOCH_RSI_LOW", 20, validate=between(1, 49))
    STOCH_RSI_HIGH = env.int("STOCH_RSI_HIGH", 80, validate=between(51, 99))
    RIBBON_SPANS = ribbon(env.list("RIBBON_SPANS", ["20", "25", "30", "35", "40", "45", "50", "55"]))
    SIGNAL_HORIZON_DAYS = env.int("SIGNAL_HORIZON_DAYS", 5, validate=between(1, 365))
    # Checked where the rules are known: signals.apps.
    PRIMARY_RULE = env.str("PRIMARY_RULE", "macd_cross")
    if MACD_FAST >= MACD_SLOW:
        raise ValueError(said("MACD_FAST ({}) must be below MACD_SLOW ({})", MACD_FAST, MACD_SLOW))
    ALERT_WINDOW_MINUTES = env.int(
        "ALERT_WINDOW_MINUTES", 60, validate=validate.Range(min=1, max=43_200, error="must be 1 to 43200")
    )
    ALERT_THRESHOLD_PCT = env.float(
        "ALERT_THRESHOLD_PCT", 5.0, validate=validate.Range(min=0.0001, max=1000, error="must be 0.0001 to 1000")
    )
    CHANNEL_ALLOWED_HOSTS = hosts("CHANNEL_ALLOWED_HOSTS", env.list("CHANNEL_ALLOWED_HOSTS", []))
    HEARTBEAT_URL = http_url("HEARTBEAT_URL", "").rstrip("/") if env.str("HEARTBEAT_URL", "") else ""
    CDN_ENABLED = env.bool("CDN_ENABLED", True)
    SECRET_KEY = env.str("SECRET_KEY", "") or secret.shared_key(DATA_DIR)
    DATABASES = {"default": connections.database(DATA_DIR)}
    # One web worker keeps one core busy, and two threads of it wait for one lock: more of them brought nothing.
    WEB_WORKERS = env.int(
        "WEB_WORKERS",
        min(8, len(os.sched_getaffinity(0))),
        validate=between(1, 64),
    )
    DJANGO_THREADS = env.int("DJANGO_THREADS", 1, validate=between(1, 32))
    # Only a web process has threads that share; a pool inherited by the queue's forks breaks it.
    DB_POOL = env.bool("DB_POOL", False)
    DB_STATEMENT_SECONDS = env.int("DB_STATEMENT_SECONDS", 60, validate=between(1, 86400))
except ValueError as error:
    raise ImproperlyConfigured(said("Charon's configuration: {}", error)) from None
except OSError as error:
    raise ImproperlyConfigured(said("DATA_DIR {} cannot be used: {}.", DATA_DIR, said(str(error.strerror)))) from None

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
        from charon.lent_connection import LentConnection

        # For each worker of web a connection for each thread, for an export and for the stamp of what is kept: eight
        # workers stay below PostgreSQL's 100. One that it has closed meanwhile is replaced before it is lent.
        # While PostgreSQL is away a view holds its thread for 2 s (with 5, the twelfth reader waited 30 s). The pool
        # doubles its pauses between connects up to `reconnect_timeout`: with its 300 s pages stayed away after it.
        DATABASES["default"]["OPTIONS"]["pool"] = {
            "min_size": 1, "max_size": DJANGO_THREADS + 2, "timeout": 2, "reconnect_timeout": 4,
            "connection_class": LentConnection,
        }  # fmt: skip
        DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
        # Only questions that ask for it are prepared (markets.queries.asked_once), at their third time on a connection.
        DATABASES["default"]["OPTIONS"].setdefault("prepare_threshold", 2)

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

# Its files alone, for /docs: as an app it would be loaded by processes without an API, 8 MB and 0.09 s for each.
NINJA = Path(str(find_spec("ninja").origin)).parent  # type: ignore[union-attr]

INSTALLED_APPS = [
    "charon.backoffice.apps.BackOfficeConfig",  # Django's admin with our site
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "axes",
    "charon",  # before django_q: its `qcluster` is the one that tells Prometheus how it is
    "django_htmx",
    "django_q",
    "markets",
    "miner",
    "signals",
    "signals.alerts",
]

MIDDLEWARE = [
    "charon.kept.noting.noted",
    "charon.metrics.measured",
    "charon.middleware.request_id",
    "charon.access_log.access_logged",
    "charon.languages.by_address",
    "charon.request_log.errors_logged",
    "charon.request_log.secrets_masked",
    "charon.api.client_address.believed_scheme",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "charon.middleware.api_paths",
    "charon.middleware.cache_rules",
    "charon.middleware.page_policy",
    "charon.api.cors.ApiCors",
    "charon.refusals.limit_bodies",
    "charon.api.limited.limited",
    "charon.api.fast_path.ready_answers",
    "charon.api.limited.weighed",
    "charon.api.callers.identified",
    "charon.api.plain.plain_questions",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "charon.urls"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates", NINJA / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "charon.languages.context",
                "charon.pages.dashboard.demo",
            ],
        },
    },
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
# By address alone: a lock on the account would let anybody keep the operator out. No name is kept of who failed,
# because people type their password there; a lock ends after the time, however often it is tried meanwhile.
AXES_ENABLED = LIMIT_LOGINS > 0
AXES_FAILURE_LIMIT = LIMIT_LOGINS
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = ["ip_address"]
AXES_CLIENT_IP_CALLABLE = "charon.logins.address"
AXES_USERNAME_CALLABLE = "charon.logins.no_name"
AXES_LOCKOUT_CALLABLE = "charon.logins.locked"
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_DISABLE_ACCESS_LOG = True
AXES_ENABLE_ADMIN = False
AXES_SENSITIVE_PARAMETERS = ["username", "ip_address", "csrfmiddlewaretoken", "next"]
# The password is the only factor, and for that case NIST SP 800-63B-4 (3.1.1.2) asks for fifteen characters, whichever.
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 15}},
    {"NAME": "charon.passwords.ComposedPasswordValidator"},
]

LANGUAGE_CODE = "pl"
LANGUAGES = [("pl", "polski"), ("en", "English")]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "Europe/Warsaw"
# Days and moments of the admin as on the pages.
FORMAT_MODULE_PATH = ["charon.backoffice.formats"]
USE_TZ = True

STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static", NINJA / "static"]
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
    # A brain weighs 250,000 at work: with less it would begin anew, and load numba, after each task.
    "ALT_CLUSTERS": {}
    if SQLITE
    else {BRAIN_QUEUE: {"workers": Q_WORKERS, "timeout": 60, "retry": 300, "max_rss": 400_000}},
}
TASK_WORK = timedelta(seconds=40)

# Of the address that takes most. What any other one takes is refused before it is read (charon.refusals).
DATA_UPLOAD_MAX_MEMORY_SIZE = bodies.LARGEST
# All workers of web together keep 32 MB of answers; eight megabytes hold twenty years of any currency.
MEMORY_CACHE_BYTES = max(8_000_000, 32_000_000 // WEB_WORKERS)
# Never with cookies (CORS_ALLOW_CREDENTIALS is False by default): who is signed in is that on our own pages alone.
CORS_ALLOW_ALL_ORIGINS = "*" in ALLOWED_ORIGINS
CORS_ALLOWED_ORIGINS = [origin for origin in ALLOWED_ORIGINS if origin != "*"]
CORS_ALLOW_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
CORS_ALLOW_HEADERS = (
    *("accept", "authorization", "content-type", "idempotency-key", "if-none-match", "last-event-id", "x-request-id"),
)
CORS_EXPOSE_HEADERS = (
    *("Content-Disposition", "ETag", "Idempotent-Replayed", "Link", "Location", "RateLimit"),
    *("RateLimit-Policy", "Retry-After", "X-Request-ID", "X-Source", "X-Total-Count"),
)

NINJA_PAGINATION_MAX_LIMIT = 10_000
NINJA_NUM_PROXIES = 0

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = int(timedelta(hours=12).total_seconds())

# For a login whose `next` leads elsewhere.
LOGIN_REDIRECT_URL = "admin:index"
# In the session: a cookie of its own could have no prefix.
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

if PUBLIC_URL.startswith("https://"):
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
    # A browser takes such a name from this host alone, over HTTPS alone: no neighbour of its domain can plant it.
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-sessionid", "__Host-csrftoken"
    SECURE_HSTS_SECONDS = int(timedelta(days=365).total_seconds())
    # Only a proxy of TRUSTED_PROXIES sends it this far: charon.api.client_address.believed_scheme.
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
# The checks of `check --deploy` that are not ours to follow: the hosts below ours may have no HTTPS (W005, W021), and
# the proxy redirects; here it would also redirect the questions of this machine about life and figures (W008).
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W008", "security.W021"]

LOGGING = log_settings.logging_config(LOG_LEVEL, LOG_FORMAT, ENABLE_EXCEPTION_LOGGING, bool(SENTRY_DSN))
LOGGING_CONFIG = "charon.log_settings.configure"
