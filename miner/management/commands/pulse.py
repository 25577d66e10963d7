"""The process of everything under a minute: the beats of the markets, and the ear on Redis that wakes the brain."""

import asyncio
from typing import Any

from django.core.management.base import BaseCommand

from miner.pulse import loop


class Command(BaseCommand):
    help = "Ask for prices and candles every few seconds, and wake the brain when Redis tells of figures."

    def handle(self, *args: Any, **options: Any) -> None:
        asyncio.run(loop.run_until_signal(loop.duties()))
