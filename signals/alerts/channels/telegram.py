"""Telegram: a bot writes to a chat, a group or a channel (core.telegram.org/bots/api#sendmessage)."""

import re
from re import Match
from typing import Any

from django.utils.translation import gettext_lazy

from signals.alerts.channels.apprise_channel import Form, Service, kind
from signals.alerts.channels.channel import Config, Field, value

TOKEN = Form(
    Field("token", gettext_lazy("Token bota"), secret=True, help=gettext_lazy("Podaje go @BotFather: 123456789:AA…")),
    re.compile(r"[0-9]{6,20}:[A-Za-z0-9_-]{30,60}"),
    gettext_lazy("To nie jest token bota"),
)
CHAT = Form(
    Field("chat", gettext_lazy("Czat"), help=gettext_lazy("Numer czatu albo @nazwa kanału; po dwukropku numer wątku")),
    re.compile(r"(-?[0-9]{1,32}|@[A-Za-z][A-Za-z0-9_]{3,31})(:[0-9]{1,10})?"),
    gettext_lazy("To nie jest numer czatu ani @nazwa kanału"),
)


def plugin(found: dict[str, Match[str]], options: dict[str, Any]) -> Any:
    from apprise.plugins.telegram import NotifyTelegram

    # Without a chat that it understands Apprise would look for one itself, in the messages to the bot.
    return NotifyTelegram(bot_token=found["token"][0], targets=[found["chat"][0]], detect_owner=False, **options)


def target(config: Config) -> str:
    return f"api.telegram.org …{value(config, 'chat')[-3:]}"


# Of the 4096 that Telegram takes (core.telegram.org/bots/api#sendmessage), less one for each line: Apprise makes two
# characters of a line break.
KIND = kind("telegram", "Telegram", Service((TOKEN, CHAT), plugin, limit=4000), target)
