"""Slack: an incoming webhook of a workspace (docs.slack.dev/messaging/sending-messages-using-incoming-webhooks)."""

import re
from re import Match
from typing import Any

from django.utils.translation import gettext_lazy

from signals.alerts.channels.apprise_channel import Form, Service, kind
from signals.alerts.channels.channel import Config, Field

WEBHOOK = Form(
    Field(
        "webhook",
        gettext_lazy("Adres webhooka"),
        secret=True,
        help=gettext_lazy("https://hooks.slack.com/services/T…/B…/… albo same trzy części: T…/B…/…"),
    ),
    re.compile(r"(?:https://hooks\.slack\.com/services/)?(T[A-Z0-9]+)/(B[A-Z0-9]+)/([A-Za-z0-9]+)/?"),
    gettext_lazy("To nie jest adres webhooka Slacka"),
)


def plugin(found: dict[str, Match[str]], options: dict[str, Any]) -> Any:
    from apprise.plugins.slack import NotifySlack

    first, second, third = found["webhook"].groups()
    tokens = {"token_a": first, "token_b": second, "token_c": third}
    return NotifySlack(**tokens, include_image=False, include_footer=False, **options)


def target(_config: Config) -> str:
    return "hooks.slack.com"


# Slack advises to stay below 4000 characters (docs.slack.dev/reference/methods/chat.postMessage).
KIND = kind("slack", "Slack", Service((WEBHOOK,), plugin, limit=4000), target)
