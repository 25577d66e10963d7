"""The log formatters: text, or one JSON object per line (LOG_FORMAT=json), without API keys."""

import json
import logging
from datetime import UTC, datetime

from markets.jobs.redact import without_keys


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
