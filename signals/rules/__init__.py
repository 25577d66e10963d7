"""The registry of the rules: by which names they are found, and which one the pages speak of."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.dispatch import receiver
from django.utils.translation import get_language

from signals.models import DAILY
from signals.rules.bollinger_reentry import BollingerReentry
from signals.rules.macd_cross import MacdCross
from signals.rules.ribbon_trend import RibbonTrend
from signals.rules.rsi_reversal import RsiReversal
from signals.rules.rule import Rule
from signals.rules.squeeze_fired import SqueezeFired
from signals.rules.stoch_rsi_cross import StochRsiCross
from signals.rules.vwap_side import VwapSide

__all__ = ["RULES", "Rule", "active", "find", "names", "primary"]

# By the name of the file; each makes the rule as the environment has set it.
RULES: dict[str, Callable[[], Rule]] = {
    "macd_cross": MacdCross.configured,
    "rsi_reversal": RsiReversal.configured,
    "bollinger_reentry": BollingerReentry.configured,
    "vwap_side": VwapSide.configured,
    "squeeze_fired": SqueezeFired.configured,
    "stoch_rsi_cross": StochRsiCross.configured,
    "ribbon_trend": RibbonTrend.configured,
}


def active() -> list[Rule]:
    return list(by_file().values())


def names() -> dict[str, str]:
    """The stored name of each rule by every name that finds it: its own and that of its file."""
    stored = {file: rule.name for file, rule in by_file().items()}
    return stored | {name: name for name in stored.values()}


def by_file() -> dict[str, Rule]:
    return made(tuple(RULES.items()), get_language())


@lru_cache
def made(registered: tuple[tuple[str, Callable[[], Rule]], ...], language: str | None) -> dict[str, Rule]:  # noqa: ARG001
    """A page asks five times, and making all seven takes 0.3 ms; nothing changes a rule, whose label is in the language
    that is on.
    """
    return {file: configured() for file, configured in registered}


@receiver(setting_changed)
def forget(**_facts: Any) -> None:
    """Only tests change a setting of a process that runs."""
    made.cache_clear()


def find(text: str) -> Rule | None:
    wanted = names().get(text.strip().lower())
    return next((rule for rule in active() if rule.name == wanted), None)


def primary() -> Rule:
    """The rule that pages and answers speak of unless another one is asked for."""
    rule = find(settings.PRIMARY_RULE)
    if rule is None:
        raise ImproperlyConfigured(
            f"PRIMARY_RULE: there is no rule {settings.PRIMARY_RULE!r}; there is {', '.join(sorted(names()))}"
        )
    if DAILY not in rule.timeframes:
        raise ImproperlyConfigured(f"PRIMARY_RULE: {settings.PRIMARY_RULE!r} does not decide on days, as pages need it")
    return rule
