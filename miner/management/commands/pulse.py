"""`manage.py pulse`: the polls under a minute, and the Redis subscriber that enqueues the engine."""

import asyncio
from typing import Any

from django.core import checks
from django.core.management.base import BaseCommand

from miner.pulse import loop


class Command(BaseCommand):
    requires_system_checks = [checks.Tags.security]  # as `up`
    help = "Ask for prices and candles every few seconds, and wake the brain when Redis tells of figures."

    def handle(self, *args: Any, **options: Any) -> None:
        asyncio.run(loop.run_until_signal(loop.duties()))
