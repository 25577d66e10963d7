"""How a line of the log looks, as text or (LOG_FORMAT=json) as one JSON object; none holds a key."""

import json
import logging
import re
from datetime import UTC, datetime

from django.conf import settings

SECRET = re.compile(r"[A-Z_]+_API_KEY|API_TOKEN|SECRET_KEY")
# Shorter ones are no keys: `demo` is a word.
SHORTEST = 8


def without_keys(text: str) -> str:
    """Also what a traceback quotes: whatever raised it, an operator's key is not for those who read logs."""
    for name in filter(SECRET.fullmatch, dir(settings)):
        key = str(getattr(settings, name))
        if len(key) >= SHORTEST:
            text = text.replace(key, "***")
    return text


class TextFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return without_keys(super().format(record))


class JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return without_keys(json.dumps(line, ensure_ascii=False))
