"""The settings of the servers of tests/test_front_process.py: Charon's own, and two streams to ask for."""

from charon.settings import *  # noqa: F403

ROOT_URLCONF = "tests.front_urls"
