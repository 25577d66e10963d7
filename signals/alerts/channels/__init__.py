"""The registry of the kinds of channels, by their names."""

from signals.alerts.channels import discord, mail, ntfy, slack, telegram, webhook
from signals.alerts.channels.channel import Kind

__all__ = ["KINDS", "Kind"]

KINDS: dict[str, Kind] = {
    "webhook": webhook.KIND,
    "mail": mail.KIND,
    "ntfy": ntfy.KIND,
    "telegram": telegram.KIND,
    "slack": slack.KIND,
    "discord": discord.KIND,
}
