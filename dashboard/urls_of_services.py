"""Turns the URLs of the database and the cache into Django's settings."""

from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured


def database_settings(url: str) -> dict[str, Any]:
    """Django's DATABASES entry for `sqlite:///FILE` or `postgresql://...`.

    SQLite gets WAL, synchronous FULL and immediate transactions: what is committed is on the disk, and two
    writers wait for one another instead of failing.
    """
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": unquote(parts.path),
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-16000;",
            },
            "TEST": {"NAME": f"{unquote(parts.path)}.test"},  # a file: WAL and locking as in production
        }
    if parts.scheme in ("postgres", "postgresql"):
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": unquote(parts.path.lstrip("/")),
            "USER": unquote(parts.username or ""),
            "PASSWORD": unquote(parts.password or ""),
            "HOST": parts.hostname or "",
            "PORT": str(parts.port or ""),
            "CONN_HEALTH_CHECKS": True,
            "OPTIONS": {"pool": False, **dict(parse_qsl(parts.query))},
        }
    raise ImproperlyConfigured(
        f"BELVEDERE_DATABASE_URL starts with {parts.scheme!r}; expected sqlite:/// or postgresql://"
    )


def cache_settings(url: str) -> dict[str, Any]:
    """Django's CACHES entry for `memory://`, `redis://HOST:PORT/DB` or `memcached://HOST:PORT`."""
    scheme = urlsplit(url).scheme
    if scheme == "memory":
        return {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "OPTIONS": {"MAX_ENTRIES": 20_000}}
    if scheme in ("redis", "rediss", "unix"):
        return {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": url}
    if scheme == "memcached":
        return {"BACKEND": "django.core.cache.backends.memcached.PyMemcacheCache", "LOCATION": urlsplit(url).netloc}
    raise ImproperlyConfigured(
        f"BELVEDERE_CACHE_URL starts with {scheme!r}; expected memory://, redis:// or memcached://"
    )
