"""Every setting, from the environment; a wrong value stops the start and is named in the message.

Where nothing is set the house is embedded: SQLite and its own keys in DATA_DIR, Celery's memory broker, loopback only.
"""

from __future__ import annotations

import ipaddress
import json
import os
import re
import secrets as random_secrets
import socket
import zoneinfo
from contextlib import suppress
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured
from environs import Env, validate

from config import logs

BASE_DIR = Path(__file__).resolve().parent.parent
VERSION = "0.1.0"

env = Env(eager=False)

DEBUG = env.bool("DEBUG", False)
HOST = env.str("HOST", "127.0.0.1")
PORT = env.int("PORT", 8000)
TIME_ZONE = env.str("TIME_ZONE", "UTC")
_data_dir = env.str("DATA_DIR", "./var")
_database: dict[str, Any] | None = (
    env.dj_db_url("DATABASE_URL", conn_max_age=60, conn_health_checks=True) if os.environ.get("DATABASE_URL") else None
)
_broker = env.str("BROKER_URL", "")
_secret_key = env.str("SECRET_KEY", "")
_encryption_keys: list[str] = env.list("ENCRYPTION_KEYS", [])
_allowed_hosts: list[str] = env.list("ALLOWED_HOSTS", [])
OUTBOUND_ALLOW: list[str] = env.list("OUTBOUND_ALLOW", [])  # networks, hosts, host:port: besides public ones
SECURE = env.bool("SECURE", False)  # the house is served over https: cookies and redirects insist on it
CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", [])
EXECUTORS_ALLOWED: list[str] = env.list("EXECUTORS", [])  # empty: all that are installed
WORKER_SLOTS = env.int("WORKER_SLOTS", 16)
WORKER_TAGS: dict[str, str] = env.dict("WORKER_TAGS", {})
WORKER_RESOURCES: dict[str, float] = env.dict("WORKER_RESOURCES", {}, subcast_values=float)  # cpus=4,mem=8192,gpus=1
DOCKER_HOST = env.str("DOCKER_HOST", "")  # the container engine's socket, Podman's too; empty: where engines put theirs
DOCKER_TLS_VERIFY = env.str("DOCKER_TLS_VERIFY", "")  # as the docker command has them
DOCKER_CERT_PATH = env.str("DOCKER_CERT_PATH", "")
CONTAINER_NETWORK = env.str("CONTAINER_NETWORK", "none")  # none, bridge, or a network of the engine; never the host's
CONTAINER_PULL = env.str("CONTAINER_PULL", "missing", validate=validate.OneOf(["missing", "always", "never"]))
ALLOWED_MOUNTS: list[str] = env.list("ALLOWED_MOUNTS", [])  # host folders containers may see: /data,/scratch:rw
ALLOWED_VOLUME_DRIVERS: list[str] = env.list("ALLOWED_VOLUME_DRIVERS", [])  # besides the engine's own
INPUT_FOLDERS: list[str] = env.list("INPUT_FOLDERS", [])  # where paths of input files may lie
SEED_PROGRAMS: dict[str, str] = env.dict("SEED_PROGRAMS", {})  # Seed types run without their image: word-count=/path
OUTPUT_FOLDERS: list[str] = env.list("OUTPUT_FOLDERS", [])  # the processor `files` writes there; none: DATA_DIR/output
SYSLOG_ADDRESS = env.str("SYSLOG_ADDRESS", "/dev/log")  # of the processor `syslog`: a socket, or host:port for UDP
FLUENTBIT_HOST = env.str("FLUENTBIT_HOST", "127.0.0.1")  # of the processor `fluent`, as Dkron's plugin has them
FLUENTBIT_PORT = env.int("FLUENTBIT_PORT", 24224)
FLUENTBIT_TAG = env.str("FLUENTBIT_TAG", "dkron")
# Mail goes out by this server; Dkron's names for the same count where ours are not set.
MAIL_HOST = env.str("MAIL_HOST", "") or env.str("DKRON_MAIL_HOST", "")
_mail_port = env.int("MAIL_PORT", 0) or env.int("DKRON_MAIL_PORT", 0)  # 0: 25, or what MAIL_TLS has as a rule
_mail_username = env.str("MAIL_USERNAME", "") or env.str("DKRON_MAIL_USERNAME", "")
_mail_password = env.str("MAIL_PASSWORD", "") or env.str("DKRON_MAIL_PASSWORD", "")
_mail_from = env.str("MAIL_FROM", "") or env.str("DKRON_MAIL_FROM", "")
_mail_tls = env.str("MAIL_TLS", "", validate=validate.OneOf(["", "none", "starttls", "tls"]))  # empty: by port
# What is sent for every run, as Dkron's server-wide settings say: in its names, and with its templates.
_dkron_mail = bool(env.str("DKRON_MAIL_HOST", "")) and bool(env.int("DKRON_MAIL_PORT", 0))
_dkron = {
    name: env.str(f"DKRON_{name.upper()}", "")
    for name in (
        *("mail_payload", "webhook_endpoint", "webhook_payload", "webhook_headers", "cronitor_endpoint"),
        *("pre_webhook_endpoint", "pre_webhook_payload", "pre_webhook_headers"),
    )
}
_dkron_prefix = env.str("DKRON_MAIL_SUBJECT_PREFIX", "[Dkron]")
LOG_LEVEL = env.str("LOG_LEVEL", "INFO")
LOG_FORMAT = env.str("LOG_FORMAT", "json")  # json, or text for people
UDATA_OPEN_READS = env.bool("UDATA_OPEN_READS", False)  # readers may look at udata's API; otherwise editors only
DEMO = env.bool("DEMO", True)
DKRON_RUN_STATUS = env.int("DKRON_RUN_STATUS", 202, validate=validate.OneOf([200, 202]))  # 200: for its PHP client
DKRON_UI_DIR = env.str("DKRON_UI_DIR", "")  # a built copy of Dkron's web UI, to be served at /ui/; empty: none
STANDING_TAGS = {"role": "dkron", "dc": "dc1", "region": "global", "server": "true", "version": VERSION}
"""Tags that every worker has where WORKER_TAGS says nothing else: those of a server of Dkron's."""
RETENTION_DAYS = env.int("RETENTION_DAYS", 30)
RETENTION_PER_JOB = env.int("RETENTION_PER_JOB", 1000)
AUDIT_DAYS = env.int("AUDIT_DAYS", 365)  # how long it is kept who changed what; 0: for ever
BROKER_PUBLISH_SECONDS = env.float("BROKER_PUBLISH_SECONDS", 2.0)  # the longest that a broker may keep a request
env.seal()

DATA_DIR = Path(_data_dir or "./var").resolve()

if re.fullmatch(r"(?!host$)[A-Za-z0-9][A-Za-z0-9_.-]*", CONTAINER_NETWORK) is None:
    raise ImproperlyConfigured(f"CONTAINER_NETWORK={CONTAINER_NETWORK}: none, bridge or the name of a network")
for _folder in (*ALLOWED_MOUNTS, *INPUT_FOLDERS, *OUTPUT_FOLDERS, *SEED_PROGRAMS.values()):
    if not _folder.startswith("/"):
        _names = "ALLOWED_MOUNTS, INPUT_FOLDERS, OUTPUT_FOLDERS, SEED_PROGRAMS"
        raise ImproperlyConfigured(f"{_names}: {_folder} is no absolute path")


def _kept(name: str, make: object) -> str:
    """The secret in DATA_DIR/name, made at first use; readable by its owner only."""
    path = DATA_DIR / name
    if not path.exists():
        DATA_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)  # the database in it holds what jobs print
        draft = DATA_DIR / f".{name}.{os.getpid()}"
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(make())  # type: ignore[operator]  # a callable without arguments
        with suppress(FileExistsError):
            os.link(draft, path)  # of several processes that start at once, the first one's secret counts
        draft.unlink()
    return path.read_text().strip()


SECRET_KEY = _secret_key or _kept("secret_key", lambda: random_secrets.token_urlsafe(60))
ENCRYPTION_KEYS: list[str] = _encryption_keys or [_kept("encryption_key", lambda: Fernet.generate_key().decode())]

# The zones' rules come from the tzdata package on every machine; what the machine itself knows may be years old.
zoneinfo.reset_tzpath(to=())

# What a browser or client may call the house. Loopback names always, so that health checks on the machine work.
ALLOWED_HOSTS = [*_allowed_hosts, "localhost", "127.0.0.1", "[::1]"]
try:
    _bound_to_all = ipaddress.ip_address(HOST).is_unspecified
except ValueError:
    _bound_to_all = False
    ALLOWED_HOSTS.append(HOST)
if not _bound_to_all and HOST not in ALLOWED_HOSTS:
    ALLOWED_HOSTS.append(HOST)
_reached_at = "127.0.0.1" if _bound_to_all else HOST
HOUSE_ADDRESS = f"[{_reached_at}]:{PORT}" if ":" in _reached_at else f"{_reached_at}:{PORT}"
"""Where the house itself listens: its demonstration's HTTP check may go there, listed in OUTBOUND_ALLOW or not."""

INSTALLED_APPS = [
    "config.console.apps.HouseAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "axes",
    "django_celery_beat",
    "django_filters",
    "django_structlog",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "rest_framework",
    "errors",
    "jobtypes",
    "jobs",
    "executions",
    "config.access",
    "config.dialects",
    "config.console",
    "config.dialects.udata",
    "config.up",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "config.security.ContentSecurityPolicy",
    "config.security.BoundedBody",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "config.access.doors.Acting",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "config.security.DatabaseBusy",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
APPEND_SLASH = True
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
            ]
        },
    }
]

# --- Database ---------------------------------------------------------------------------------------------------------
IS_EMBEDDED_DATABASE = not _database or _database["ENGINE"].endswith("sqlite3")
if not _database:
    _database = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(DATA_DIR / "db.sqlite3")}
if IS_EMBEDDED_DATABASE:
    # Immediate transactions: one that reads first and writes later would fail at once, whatever the timeout.
    _database["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-16000;",
    }
    _database["CONN_MAX_AGE"] = None
else:
    _database.setdefault("OPTIONS", {})
    # A server that vanished without a word (its power, its network) is noticed within 11 s.
    for _option, _value in {
        "connect_timeout": 5,
        "keepalives_idle": 5,
        "keepalives_interval": 2,
        "keepalives_count": 3,
        "tcp_user_timeout": 10_000,
    }.items():
        _database["OPTIONS"].setdefault(_option, _value)
    _database["OPTIONS"].setdefault(
        "options", "-c statement_timeout=10s -c idle_in_transaction_session_timeout=30s -c jit=off -c TimeZone=UTC"
    )
DATABASES = {"default": _database}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Celery -----------------------------------------------------------------------------------------------------------
IS_EMBEDDED_BROKER = not _broker or _broker.startswith("memory:")
BROKER_URL = _broker or "memory://localhost/"
CELERY = {
    "broker_url": BROKER_URL,
    "broker_connection_retry_on_startup": True,
    "broker_connection_max_retries": None,  # for ever: jobs go on without a broker, however long it is away
    "broker_connection_timeout": BROKER_PUBLISH_SECONDS,
    "broker_heartbeat": 10,
    "broker_transport_options": {"max_retries": 0}
    if BROKER_URL.startswith("amqp")
    else {"polling_interval": 0.1, "socket_timeout": 5, "socket_connect_timeout": BROKER_PUBLISH_SECONDS},
    "task_ignore_result": True,  # an execution's row is its result
    "task_serializer": "json",
    "accept_content": ["json"],
    "task_acks_late": False,
    "task_default_queue": "jobhouse",
    "worker_pool": "threads",  # the engine's slots are threads; Celery's pool only runs housekeeping
    "worker_concurrency": WORKER_SLOTS,
    "worker_prefetch_multiplier": 1,
    "worker_hijack_root_logger": False,
    "worker_redirect_stdouts": False,
    "worker_cancel_long_running_tasks_on_connection_loss": False,
    "worker_enable_remote_control": False,
    "worker_send_task_events": False,
    "beat_scheduler": "executions.beat.JobScheduler",
    "beat_max_loop_interval": 1,
    "beat_enable_remote_control": False,
    "timezone": TIME_ZONE,
    "enable_utc": True,
}
DJANGO_CELERY_BEAT_TZ_AWARE = True

# --- Notifications ----------------------------------------------------------------------------------------------------
EMAIL_HOST = MAIL_HOST
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _mail_username, _mail_password
EMAIL_PORT = _mail_port or {"tls": 465, "starttls": 587}.get(_mail_tls, 25)
EMAIL_USE_SSL = _mail_tls == "tls" or (not _mail_tls and EMAIL_PORT == 465)
EMAIL_USE_TLS = _mail_tls == "starttls" or (not _mail_tls and EMAIL_PORT == 587)
EMAIL_TIMEOUT = 10  # seconds
DEFAULT_FROM_EMAIL = _mail_from or f"jobhouse@{socket.gethostname()}"


def _headers_in(text: str) -> tuple[tuple[str, str], ...]:
    """Headers as `Name: value`, one a line, or as a JSON list of such texts."""
    lines = json.loads(text) if text.lstrip().startswith("[") else text.splitlines()
    pairs = [line.partition(":") for line in lines if line.strip()]
    return tuple((name.strip(), value.strip()) for name, _, value in pairs)


for _name in ("webhook_endpoint", "pre_webhook_endpoint", "cronitor_endpoint"):
    if _dkron[_name] and not re.match(r"https?://[^/\s]", _dkron[_name]):
        raise ImproperlyConfigured(f"DKRON_{_name.upper()}: must be a URL that begins with http:// or https://")
try:
    _hooks = {_name: _headers_in(_dkron[_name]) for _name in ("webhook_headers", "pre_webhook_headers")}
except (ValueError, AttributeError):
    _problem = "DKRON_WEBHOOK_HEADERS, DKRON_PRE_WEBHOOK_HEADERS: must be lines of Name: value, or a JSON list of them"
    raise ImproperlyConfigured(_problem) from None
NOTIFY_EVERY_RUN: dict[str, Any] = {**_dkron, **_hooks, "mail": _dkron_mail, "mail_subject_prefix": _dkron_prefix}

# --- Sign-in ----------------------------------------------------------------------------------------------------------
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_HANDLER = "axes.handlers.database.AxesDatabaseHandler"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "/admin/login/"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "config.fallback.csrf_failure"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE
SECURE_SSL_REDIRECT = SECURE
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if SECURE else None
SECURE_HSTS_SECONDS = 31_536_000 if SECURE else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = SECURE
SECURE_REDIRECT_EXEMPT = [r"^health"]
X_FRAME_OPTIONS = "DENY"

# --- API --------------------------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "config.access.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["config.access.policy.Allowed"],
    "DEFAULT_PARSER_CLASSES": ["errors.api.parsers.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PAGINATION_CLASS": "errors.api.pagination.ScalePagination",
    "DEFAULT_FILTER_BACKENDS": [
        "errors.api.filters.ScaleFilterBackend",
        "errors.api.filters.FieldOrdering",
    ],
    "DEFAULT_SCHEMA_CLASS": "errors.api.schema.HouseSchema",
    "EXCEPTION_HANDLER": "errors.api.exceptions.handler",
    "DATETIME_FORMAT": "iso-8601",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Jobhouse",
    "DESCRIPTION": "One house for every scheduled job: what can run, when it runs, what happened and why it failed.",
    "VERSION": VERSION,
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {"ExecutionStatusEnum": "executions.states.Status"},
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_048_576  # bytes of a request body; larger ones are answered 413
LARGE_BODIES = {"/v1/restore": 16 * 1_048_576}  # but for these paths, which take a file

# --- Pages, files, words ----------------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
with suppress(OSError):
    STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # for collectstatic; without one the finders serve everything
WHITENOISE_USE_FINDERS = True  # no collectstatic step in the embedded house
WHITENOISE_AUTOREFRESH = False
LANGUAGE_CODE = "en-us"
USE_I18N = True
USE_TZ = True
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

# --- Logs -------------------------------------------------------------------------------------------------------------
LOGGING = logs.dict_config(LOG_LEVEL, LOG_FORMAT)
