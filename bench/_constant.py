"""Charon's own settings with the addresses of `_constant_urls`."""

from charon.settings import *  # noqa: F403

ROOT_URLCONF = "bench._constant_urls"
