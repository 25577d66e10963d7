"""Pushover: messages to a person's telephone (pushover.net/api)."""

import re
from re import Match
from typing import Any

from django.utils.translation import gettext_lazy

from signals.alerts.channels.apprise_channel import Form, Service, kind
from signals.alerts.channels.channel import Config, Field

USER = Form(
    Field("user", gettext_lazy("Klucz użytkownika"), secret=True),
    re.compile(r"[A-Za-z0-9]{30}"),
    gettext_lazy("To nie jest klucz użytkownika"),
)
TOKEN = Form(
    Field("token", gettext_lazy("Token aplikacji"), secret=True),
    re.compile(r"[A-Za-z0-9]{30}"),
    gettext_lazy("To nie jest token aplikacji"),
)


def plugin(found: dict[str, Match[str]], options: dict[str, Any]) -> Any:
    from apprise.plugins.pushover import NotifyPushover

    return NotifyPushover(user_key=found["user"][0], token=found["token"][0], **options)


def target(_config: Config) -> str:
    return "api.pushover.net"


KIND = kind("pushover", "Pushover", Service((USER, TOKEN), plugin, limit=1024), target)
