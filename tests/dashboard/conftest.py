"""Passwords are hashed fast and nothing is throttled from an earlier test."""

from collections.abc import Iterator

import pytest
from django.core.cache import cache

from fleet.tokens import forget_cached_tokens


@pytest.fixture(autouse=True)
def _fast_passwords(settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def _nothing_remembered() -> Iterator[None]:
    cache.clear()
    forget_cached_tokens()
    yield
    cache.clear()
