"""Django settings, read from the environment through typed readers; every default works offline."""

import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from dashboard.env import env_bool, env_float, env_int, env_list, env_path, env_str
from dashboard.secret_key import load_secret_key
from dashboard.urls_of_services import cache_settings, database_settings

BASE_DIR = Path(__file__).resolve().parent.parent

# ---- where things are -------------------------------------------------------------------------------------
DATA_DIR = env_path("BELVEDERE_DATA", "~/.local/share/belvedere", "data directory; `--data` sets it too")
LISTEN = env_str("BELVEDERE_LISTEN", "127.0.0.1:8000", "address and port of `belvedere up`; `--listen` sets it too")
PUBLIC_URL = env_str(
    "BELVEDERE_PUBLIC_URL", f"http://{LISTEN}", "address people and senders use", shown_default="http://LISTEN"
).rstrip("/")
DATABASE_URL = env_str(
    "BELVEDERE_DATABASE_URL",
    f"sqlite:///{DATA_DIR}/belvedere.sqlite3",
    "relational database: `sqlite:///FILE` or `postgresql://USER:PASSWORD@HOST/NAME`",
    secret=True,
    shown_default="SQLite in the data directory",
)
TELEMETRY_URL = env_str(
    "BELVEDERE_TELEMETRY_URL",
    f"chdb://{DATA_DIR}/telemetry",
    "samples and log records: `chdb://DIR` (embedded) or `clickhouse://USER:PASSWORD@HOST:PORT/DATABASE`",
    secret=True,
    shown_default="chdb:// in the data directory",
)
BROKER_URL = env_str(
    "BELVEDERE_BROKER_URL", "memory://", "Celery broker: `memory://`, `redis://...` or `amqp://...`", secret=True
)
CACHE_URL = env_str(
    "BELVEDERE_CACHE_URL",
    "memory://",
    "cache and sessions: `memory://`, `redis://...` or `memcached://...`",
    secret=True,
)

# ---- Django ------------------------------------------------------------------------------------------------
DEBUG = env_bool("BELVEDERE_DEBUG", False, "Django's debug pages; never in production")
SECRET_KEY = load_secret_key(
    env_str("BELVEDERE_SECRET_KEY", "", "signing key", secret=True, shown_default="made once, in the data directory"),
    DATA_DIR / "secret.key",
)
SECRET_KEY_FALLBACKS = env_list(
    "BELVEDERE_SECRET_KEY_FALLBACKS", "", "old signing keys that are still accepted, for rotation"
)
ALLOWED_HOSTS = [
    *env_list(
        "BELVEDERE_ALLOWED_HOSTS",
        "",
        "host names that requests may carry besides that of the public address and this machine's own, comma-separated",
    ),
    urlsplit(PUBLIC_URL).netloc.rpartition("@")[2].removesuffix(f":{urlsplit(PUBLIC_URL).port}"),
    *("localhost", "127.0.0.1", "[::1]"),
]
TLS = env_bool(
    "BELVEDERE_TLS", PUBLIC_URL.startswith("https://"), "secure cookies and HSTS; on when the public address is https"
)
TRUSTED_PROXIES = env_list(
    "BELVEDERE_TRUSTED_PROXIES", "", "addresses whose X-Forwarded-For and X-Forwarded-Proto headers are believed"
)
LOOPBACK_OPEN = env_bool(
    "BELVEDERE_LOOPBACK_OPEN",
    True,
    "programs on this machine may read /metrics and the advisory mirror without a token",
)

INSTALLED_APPS = [
    "dashboard.accounts",
    "fleet",
    "policies",
    "collectors",
    "dashboard",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_otp",
    "django_htmx",
    "ninja",
]

MIDDLEWARE = [
    "dashboard.accounts.client_address.ForwardedHeadersMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "dashboard.accounts.headers.SecurityHeadersMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "dashboard.api.cors.CorsMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "dashboard.accounts.gate.GateMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

ROOT_URLCONF = "dashboard.urls"
ASGI_APPLICATION = "dashboard.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "dashboard" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "dashboard.views.shell.shell_context",
            ],
        },
    }
]

DATABASES = {"default": database_settings(DATABASE_URL)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {"default": cache_settings(CACHE_URL)}
SESSION_ENGINE = (
    "django.contrib.sessions.backends.db" if CACHE_URL == "memory://" else "django.contrib.sessions.backends.cached_db"
)

AUTH_USER_MODEL = "accounts.User"
LOGIN_URL = "/login"
LOGIN_REDIRECT_URL = "/"
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_I18N = False
USE_TZ = True

STATIC_URL = env_str("BELVEDERE_STATIC_URL", "/static/", "where static files are served from, a CDN perhaps")
STATIC_ROOT = Path(
    env_str(
        "BELVEDERE_STATIC_ROOT",
        str(DATA_DIR / "static"),
        "where `collectstatic` writes",
        shown_default="in the data directory",
    )
)
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "dashboard.static_files.HashedStaticFiles"},
}

# ---- cookies and headers -----------------------------------------------------------------------------------
SESSION_COOKIE_NAME = "__Host-belvedere" if TLS else "belvedere"
CSRF_COOKIE_NAME = "__Host-belvedere-csrf" if TLS else "belvedere-csrf"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = TLS
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = env_int(
    "BELVEDERE_SESSION_SECONDS", 7 * 86400, "longest life of a session, in seconds", minimum=60
)
SESSION_IDLE_SECONDS = env_int(
    "BELVEDERE_SESSION_IDLE_SECONDS", 8 * 3600, "a session ends after this time without a request", minimum=60
)
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
CSRF_FAILURE_VIEW = "dashboard.accounts.refusals.csrf_failure"
SECURE_SSL_REDIRECT = TLS
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
SECURE_HSTS_SECONDS = 63_072_000 if TLS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = TLS
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if TRUSTED_PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# ---- telemetry: promises and limits ------------------------------------------------------------------------
TELEMETRY: dict[str, Any] = {
    "fsync": env_bool("BELVEDERE_FSYNC", True, "a write is acknowledged only after it is on the disk"),
    "group_commit_ms": env_int(
        "BELVEDERE_GROUP_COMMIT_MS",
        10,
        "how long the writer waits for further requests to share an insert",
        maximum=5000,
    ),
    "batch_rows": env_int("BELVEDERE_BATCH_ROWS", 500_000, "most rows of one insert", minimum=1),
    "insert_seconds": env_float(
        "BELVEDERE_INSERT_SECONDS",
        30,
        "longest time that acknowledged samples wait in the journal to be inserted together; readers do not wait",
        minimum=0,
    ),
    "log_insert_seconds": env_float(
        "BELVEDERE_LOG_INSERT_SECONDS",
        5,
        "longest time that acknowledged log records wait in the journal for company, if nobody reads them before",
    ),
    "log_block_rows": env_int(
        "BELVEDERE_LOG_BLOCK_ROWS", 100_000, "log records that wait in the journal for one insert", minimum=1
    ),
    "queue_rows": env_int(
        "BELVEDERE_QUEUE_ROWS", 2_000_000, "rows waiting to be written; beyond it senders are told to retry", minimum=1
    ),
    "sample_retention_days": env_int("BELVEDERE_SAMPLE_RETENTION_DAYS", 400, "days that samples are kept", minimum=1),
    "log_retention_days": env_int("BELVEDERE_LOG_RETENTION_DAYS", 400, "days that log records are kept", minimum=1),
    "exemplar_retention_days": env_int(
        "BELVEDERE_EXEMPLAR_RETENTION_DAYS", 15, "days that exemplars are kept", minimum=1
    ),
    "query_log_days": env_int("BELVEDERE_QUERY_LOG_DAYS", 30, "days that the log of queries is kept", minimum=1),
    "redact": env_str(
        "BELVEDERE_REDACT",
        "",
        "what is replaced in log records before they are stored, by service: `checkout=secret,e_mail; *=api_token` or "
        "`*=all`; rules: private_key, api_token, secret, url_password, card_number, iban, e_mail and own ones",
    ),
    "redact_patterns": env_str(
        "BELVEDERE_REDACT_PATTERNS", "", "own redaction rules: a JSON object of RE2 patterns by name"
    ),
    "future_seconds": env_int(
        "BELVEDERE_FUTURE_SECONDS", 600, "how far ahead of the server's clock a timestamp may be"
    ),
    "max_series": env_int(
        "BELVEDERE_MAX_SERIES", 5_000_000, "series in all; new ones beyond it are refused", minimum=1
    ),
    "max_series_per_service": env_int(
        "BELVEDERE_MAX_SERIES_PER_SERVICE", 200_000, "series of one service; new ones beyond it are refused", minimum=1
    ),
    "max_new_series_per_request": env_int(
        "BELVEDERE_MAX_NEW_SERIES_PER_REQUEST",
        100_000,
        "series one request may create; further ones are refused",
        minimum=1,
    ),
    "max_labels": env_int("BELVEDERE_MAX_LABELS", 64, "labels of one series or log stream", minimum=1),
    "max_label_name_bytes": env_int("BELVEDERE_MAX_LABEL_NAME_BYTES", 256, "length of a label name", minimum=1),
    "max_label_value_bytes": env_int("BELVEDERE_MAX_LABEL_VALUE_BYTES", 4096, "length of a label value", minimum=1),
    "max_line_bytes": env_int(
        "BELVEDERE_MAX_LINE_BYTES", 262_144, "length of a log line; longer ones are cut and marked", minimum=64
    ),
    "max_log_patterns": env_int(
        "BELVEDERE_MAX_LOG_PATTERNS",
        1000,
        "patterns that lines of one service are grouped into; further lines share one; 0 groups none",
    ),
    "query_timeout_seconds": env_float("BELVEDERE_QUERY_TIMEOUT_SECONDS", 60, "longest time of one query", minimum=0.1),
    "max_query_series": env_int("BELVEDERE_MAX_QUERY_SERIES", 200_000, "series one query may select", minimum=1),
    "max_query_samples": env_int("BELVEDERE_MAX_QUERY_SAMPLES", 50_000_000, "samples one query may read", minimum=1),
    "max_query_log_lines": env_int(
        "BELVEDERE_MAX_QUERY_LOG_LINES",
        5_000_000,
        "lines that one LogQL query may take through its pipeline",
        minimum=1,
    ),
    "max_query_log_bytes": env_int(
        "BELVEDERE_MAX_QUERY_LOG_BYTES",
        256 * 1024**3,
        "bytes (not compressed) that one LogQL query may read in the engine at a time",
        minimum=1,
    ),
    "max_query_log_entries": env_int(
        "BELVEDERE_MAX_QUERY_LOG_ENTRIES", 5_000, "lines that one LogQL query may answer", minimum=1
    ),
    "max_query_log_days": env_int(
        "BELVEDERE_MAX_QUERY_LOG_DAYS", 400, "days between start and end of a LogQL query", minimum=1
    ),
    "max_query_points": env_int("BELVEDERE_MAX_QUERY_POINTS", 11_000, "points a series of a range query", minimum=1),
    "max_query_days": env_int(
        "BELVEDERE_MAX_QUERY_DAYS", 0, "days between start and end of a PromQL range query; 0 for no limit", minimum=0
    ),
    "lookback_seconds": env_int(
        "BELVEDERE_LOOKBACK_SECONDS", 300, "how long a sample stays current in PromQL", minimum=1
    ),
    "query_memory_bytes": env_int(
        "BELVEDERE_QUERY_MEMORY_BYTES", 2 * 1024**3, "memory one query may use in the engine", minimum=2**20
    ),
    "recent_bytes": env_int(
        "BELVEDERE_RECENT_BYTES",
        256 * 1024**2,
        "memory for the newest samples, 12 bytes each; 0 reads every sample from the store",
    ),
}

RESULT_CACHE_BYTES = env_int(
    "BELVEDERE_RESULT_CACHE_BYTES",
    64 * 1024**2,
    "memory for answers to range queries, of which a refresh computes only the new end; 0 keeps none",
)
MAX_LOG_TAILS = env_int("BELVEDERE_MAX_LOG_TAILS", 50, "clients that one process shows log lines live to", minimum=1)

LOG_RETRIES = {
    "seconds": env_int(
        "BELVEDERE_LOG_RETRY_SECONDS",
        300,
        "how long an acknowledged log push is remembered, by each process, so that the same bytes sent again are not "
        "stored again; 0 remembers none",
    ),
    "bytes": env_int("BELVEDERE_LOG_RETRY_BYTES", 4 * 1024**2, "memory for them; the oldest go first", minimum=1024),
}

# ---- ways in: limits ---------------------------------------------------------------------------------------
INGEST = {
    "max_body_bytes": env_int(
        "BELVEDERE_MAX_BODY_BYTES", 8 * 1024**2, "body of a pushed request, as sent", minimum=1024
    ),
    "max_decoded_bytes": env_int(
        "BELVEDERE_MAX_DECODED_BYTES", 32 * 1024**2, "body of a pushed request, decompressed", minimum=1024
    ),
    "max_records": env_int("BELVEDERE_MAX_RECORDS", 50_000, "log records of one request", minimum=1),
    "max_samples": env_int("BELVEDERE_MAX_SAMPLES", 1_000_000, "samples of one request or scrape", minimum=1),
    "max_parts": env_int(
        "BELVEDERE_MAX_PARTS",
        500_000,
        "protobuf fields of one request that has to be decoded one by one; usual requests are not",
        minimum=1000,
    ),
    "body_seconds": env_float("BELVEDERE_BODY_SECONDS", 30, "time a sender has to deliver its body", minimum=0.1),
    "concurrent": env_int(
        "BELVEDERE_CONCURRENT_INGEST", 64, "pushed requests in work at once; further ones are told to retry", minimum=1
    ),
    "held_bytes": env_int(
        "BELVEDERE_HELD_BYTES",
        128 * 1024**2,
        "bodies held at once by a group of routes (pushed, uploads, APIs, pages); further ones are told to retry",
        minimum=1024,
    ),
}
SYSLOG: dict[str, Any] = {
    "udp": env_str(
        "BELVEDERE_SYSLOG_UDP", "", "where syslog is taken over UDP, such as 0.0.0.0:5514; empty for nowhere"
    ),
    "tcp": env_str(
        "BELVEDERE_SYSLOG_TCP", "", "where syslog is taken over TCP, such as 0.0.0.0:5514; empty for nowhere"
    ),
    "tls": env_str(
        "BELVEDERE_SYSLOG_TLS", "", "where syslog is taken over TLS, such as 0.0.0.0:6514; empty for nowhere"
    ),
    "tls_certificate": env_str("BELVEDERE_SYSLOG_TLS_CERTIFICATE", "", "file with the certificate chain for it"),
    "tls_key": env_str("BELVEDERE_SYSLOG_TLS_KEY", "", "file with its key, if it is not in the same file"),
    "tls_client_ca": env_str(
        "BELVEDERE_SYSLOG_TLS_CLIENT_CA", "", "file with the authorities of senders' certificates; empty asks for none"
    ),
    "networks": tuple(
        env_list("BELVEDERE_SYSLOG_NETWORKS", "", "networks that syslog is taken from; empty for everywhere")
    ),
    "max_message_bytes": env_int(
        "BELVEDERE_SYSLOG_MAX_BYTES", 1024**2, "length of a syslog message; longer ones are cut and marked", minimum=480
    ),
    "max_waiting": env_int(
        "BELVEDERE_SYSLOG_WAITING",
        20_000,
        "syslog messages read but not committed; beyond it TCP senders are slowed down and UDP messages dropped",
        minimum=1,
    ),
    "max_connections": env_int(
        "BELVEDERE_SYSLOG_CONNECTIONS", 1000, "syslog connections at once; further ones are closed", minimum=1
    ),
}
BILLS = {
    "max_decoded_bytes": env_int(
        "BELVEDERE_MAX_BILL_BYTES",
        16 * 1024**3,
        "a bill (FOCUS file), decompressed; it is never held whole",
        minimum=1024,
    ),
    "max_charges": env_int("BELVEDERE_MAX_CHARGES", 20_000_000, "charges of one bill", minimum=1),
}
UPLOAD_MAX_BYTES = env_int(
    "BELVEDERE_UPLOAD_MAX_BYTES", 64 * 1024**2, "body of an upload or an own API request", minimum=1024
)
FORM_MAX_BYTES = env_int("BELVEDERE_FORM_MAX_BYTES", 1024**2, "body of a form", minimum=1024)
CONCURRENT_REQUESTS = env_int("BELVEDERE_CONCURRENT_REQUESTS", 128, "other requests in work at once", minimum=1)
DATA_UPLOAD_MAX_MEMORY_SIZE = UPLOAD_MAX_BYTES
CORS_ORIGINS = env_list(
    "BELVEDERE_CORS_ORIGINS", "", "sites, such as https://grafana.example.org, whose pages may read the query APIs"
)
SCRAPE_SECONDS = env_int("BELVEDERE_SCRAPE_SECONDS", 15, "default time between two scrapes of a target", minimum=1)
FILE_SD = env_list(
    "BELVEDERE_FILE_SD", "", "files of scrape targets in Prometheus' `file_sd` form, JSON or YAML; may hold `*`"
)
RULE_FILES = env_list(
    "BELVEDERE_RULE_FILES",
    "",
    "recording and alerting rule files of Prometheus, such as `/etc/belvedere/rules/*.yml`; changes are noticed",
)
RULE_SECONDS = env_int(
    "BELVEDERE_RULE_SECONDS", 60, "time between two evaluations of a rule group that names none", minimum=1
)
OTLP_DELTA_STREAMS = env_int(
    "BELVEDERE_OTLP_DELTA_STREAMS",
    100_000,
    "OTLP streams whose deltas are summed up in the memory of one process; 0 refuses deltas (several web processes behind a balancer must refuse them, or see each sender at one of them)",
)
OTLP_PROMOTED = env_list(
    "BELVEDERE_OTLP_PROMOTE", "", "OTLP resource attributes that every series gets as labels; `*` promotes all"
)
OTLP_SCOPE_LABELS = env_bool(
    "BELVEDERE_OTLP_SCOPE_LABELS", False, "OTLP series get name, version and attributes of their scope as labels"
)
SCRAPE_COMMIT = env_float(
    "BELVEDERE_SCRAPE_COMMIT_SECONDS", 1, "scrapes of this time are stored together", minimum=0.01, maximum=60
)
DNS_SERVERS = tuple(
    (address, 53)
    for address in env_list("BELVEDERE_DNS_SERVERS", "", "servers that targets are looked for at; empty: the system's")
)
OUTBOUND_ALLOWED_NETWORKS = env_list(
    "BELVEDERE_OUTBOUND_NETWORKS",
    "",
    "private networks that our own requests (scrapes, feeds) may reach, such as 10.0.0.0/8; loopback is allowed in `belvedere up`",
)
ADVISORY_FEEDS = env_list(
    "BELVEDERE_ADVISORY_FEEDS", "", "OSV zip archives, by URL or file, fetched daily; empty fetches nothing"
)
EPSS_FEED = env_str("BELVEDERE_EPSS_FEED", "", "EPSS scores (CSV, also .gz), by URL or file, fetched daily")
KEV_FEED = env_str(
    "BELVEDERE_KEV_FEED", "", "CISA's known exploited vulnerabilities (JSON), by URL or file, fetched daily"
)
SELF_WATCH = env_bool("BELVEDERE_SELF_WATCH", True, "Belvedere watches itself as its first service")

# ---- background work ---------------------------------------------------------------------------------------
CELERY_CONCURRENCY = env_int("BELVEDERE_WORKER_THREADS", 4, "tasks that one worker runs at once", minimum=1)

LOGGING_CONFIG = None  # structlog is set up by dashboard.logging_setup
LOG_LEVEL = env_str("BELVEDERE_LOG_LEVEL", "INFO", "least severe own log event: DEBUG, INFO, WARNING, ERROR")

os.environ.setdefault("TZ", "UTC")
