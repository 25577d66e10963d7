"""Discord: a webhook of a channel (docs.discord.com/developers/resources/webhook#execute-webhook)."""

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
        help=gettext_lazy("https://discord.com/api/webhooks/…/… albo same dwie części: numer/token"),
    ),
    re.compile(
        r"(?:https://(?:ptb\.|canary\.)?discord(?:app)?\.com/api/(?:v[0-9]+/)?webhooks/)?"
        r"([0-9]{10,25})/([A-Za-z0-9_-]{20,100})/?"
    ),
    gettext_lazy("To nie jest adres webhooka Discorda"),
)
# What Discord would draw as bold, struck out, code or a hidden text.
MARKUP = re.compile(r"[\\*_~`|]")


def plugin(found: dict[str, Match[str]], options: dict[str, Any]) -> Any:
    from apprise.plugins.discord import NotifyDiscord

    number, token = found["webhook"].groups()
    return NotifyDiscord(webhook_id=number, webhook_token=token, avatar=False, **options)


def plain(text: str) -> str:
    """A zero-width space keeps `@everyone` in the name of a rule from calling everyone: a backslash does not."""
    return MARKUP.sub(r"\\\g<0>", text).replace("@", "@\u200b")


def target(_config: Config) -> str:
    return "discord.com"


# So many the field `content` of a webhook takes.
KIND = kind("discord", "Discord", Service((WEBHOOK,), plugin, limit=2000, plain=plain), target)
