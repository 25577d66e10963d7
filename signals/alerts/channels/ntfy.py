"""ntfy: a push message to everyone who follows a topic (docs.ntfy.sh/publish, "Publish as JSON").

JSON and not headers: a title with Polish letters arrives as it is. The end of an incident takes the place of its alert
by `sequence_id` (ntfy 2.16 or newer; an older server shows a second message).
"""

import hashlib
import json
import re
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from signals.alerts.channels import addresses, http
from signals.alerts.channels.channel import Config, Field, Kind, Message, misconfigured

SERVER = "https://ntfy.sh"
# server.go of ntfy, topicRegex; a sequence id has the same form.
NAME = re.compile(r"[-_A-Za-z0-9]{1,64}\Z")
# A message of more than 4,096 bytes becomes an attachment (server.go, DefaultMessageSizeLimit), which no phone shows.
TEXT_BYTES, TITLE_BYTES = 3800, 250
TOKEN = re.compile(r"[!-~]+\Z")
HIGHEST, USUAL = 5, 3


def send(config: Config, message: Message) -> int:
    if check(config):
        raise misconfigured()
    url, topic, token = server_of(config), config["topic"], config.get("token", "")
    headers = {"Content-Type": "application/json", "Idempotency-Key": message.key}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    return http.post(url, body_of(topic, message), headers, secrets=[topic, token])


def server_of(config: Config) -> str:
    return config.get("url", "") or SERVER


def body_of(topic: str, message: Message) -> bytes:
    published: dict[str, Any] = {
        "topic": topic,
        "title": cut(message.title, TITLE_BYTES),
        "message": cut(message.text, TEXT_BYTES),
        "priority": HIGHEST if message.critical else USUAL,
        "sequence_id": sequence_of(message),
    }
    if message.link:
        published["click"] = message.link
    return json.dumps(published, ensure_ascii=False).encode("utf-8", "replace")


def sequence_of(message: Message) -> str:
    """The same for an alert and its end, and for each try: a message that came twice is shown once."""
    name = message.incident or message.key
    return name if NAME.match(name) else hashlib.sha256(name.encode()).hexdigest()


def cut(text: str, most: int) -> str:
    """At most so many bytes in UTF-8, of whole letters."""
    body = text.encode("utf-8", "replace")
    return text if len(body) <= most else body[: most - 3].decode("utf-8", "ignore") + "…"


def check(config: Config) -> dict[str, str]:
    faults = {"url": addresses.fault_in_words(server_of(config))}
    if not NAME.match(config.get("topic", "")):
        faults["topic"] = gettext("Temat ma od 1 do 64 znaków: liter a–z i A–Z, cyfr, łączników i podkreśleń")
    if (token := config.get("token", "")) and not TOKEN.match(token):
        faults["token"] = gettext("Token nie może zawierać odstępów ani polskich znaków")
    return {name: fault for name, fault in faults.items() if fault}


def target(config: Config) -> str:
    return addresses.host_of(server_of(config))


KIND = Kind(
    "ntfy",
    "ntfy",
    (
        Field("url", _("Serwer"), required=False, help=_("Puste: https://ntfy.sh"), place=True),
        Field(
            "topic", _("Temat"), secret=True, help=_("Kto go zna, czyta wiadomości: powinien być trudny do odgadnięcia")
        ),
        Field("token", _("Token dostępu"), secret=True, required=False),
    ),
    check,
    target,
    send,
    updates=True,
)
