"""The settings of bench/cached.py: Charon's own with the URLs of `_constant_urls`."""

from charon.settings import *  # noqa: F403

ROOT_URLCONF = "bench._constant_urls"
