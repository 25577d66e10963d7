"""What is logged, where, and what is kept out of it; settings.py asks with the values of the environment."""

import logging.config
import sys
from typing import Any, TextIO, cast

from charon.log_streams import LoggedLines, log_what_nothing_caught

# In their order: the id before all that reads a record, the count of a cause when its text is final.
FILTERS = ["request_id", "route_only", "once_per_cause"]

# What any caller can bring about is no ERROR of ours; our line of the 400 tells it.
REFUSED = ("DisallowedHost", "TooManyFieldsSent", "TooManyFilesSent", "RequestDataTooBig", "SuspiciousMultipartForm")


def logging_config(level: str, form: str, tracebacks: bool, sentry: bool = False) -> dict[str, Any]:
    """The dictionary of `logging.config`: one console handler on stderr; `form` is text or json.

    With `sentry` errors go there as well, and first: the filters of the console shorten a record that came before.
    """
    console = {
        "class": "logging.StreamHandler",
        "stream": sys.stderr,
        "formatter": form,
        "filters": [*FILTERS, *([] if tracebacks else ["no_traceback"])],
    }
    to_sentry = {
        "()": "charon.sentry.handler",
        "level": "ERROR",
        "filters": ["request_id", "route_only", "once_per_cause_to_sentry"],
    }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "text": {"()": "charon.logs.TextFormatter", "format": "%(asctime)s %(levelname)s %(name)s: %(message)s"},
            "json": {"()": "charon.logs.JsonFormatter"},
        },
        "filters": {
            "request_id": {"()": "charon.request_ids.WithRequestId"},
            "route_only": {"()": "charon.request_log.RouteOnly"},
            "once_per_cause": {"()": "charon.logs.OncePerCause"},
            "once_per_cause_to_sentry": {"()": "charon.logs.OncePerCause", "counts": False},
            "no_traceback": {"()": "charon.logs.NoTraceback"},
            "without_expected_answers": {"()": "charon.logs.WithoutExpectedAnswers"},
        },
        "handlers": {"console": console} | ({"sentry": to_sentry} if sentry else {}),
        "root": {"handlers": [*(["sentry"] if sentry else []), "console"], "level": level},
        # The queue tells of every task at INFO: thousands of lines a day that say nothing a job's row does not.
        "loggers": {
            "django.request": {"filters": ["without_expected_answers"]},
            "httpx": {"level": "WARNING"},
            "httpcore": {"level": "WARNING"},
            "django-q": {"level": "WARNING" if level == "INFO" else level},
            "axes": {"level": "ERROR"},  # charon.logins says the same in one line, with the id of the request
            **{f"django.security.{name}": {"level": "CRITICAL"} for name in REFUSED},
            "django.server": {"handlers": ["console"], "level": level, "propagate": False},
            "stamina": {"level": "ERROR"},  # miner.fetch.retry says what is tried again, and why
            "apprise": {"level": "CRITICAL"},  # writes passwords at DEBUG, and at WARNING the tokens that it refuses
            "urllib3": {"level": "WARNING"},  # writes paths at DEBUG; that of Telegram or Slack holds the token
        },
    }


def configure(described: dict[str, Any]) -> None:
    """Django calls it at the start of every process (LOGGING_CONFIG)."""
    logging.config.dictConfig(described)
    log_what_nothing_caught()
    if described["handlers"]["console"]["formatter"] == "json" and not isinstance(sys.stderr, LoggedLines):
        sys.stderr = cast("TextIO", LoggedLines(sys.stderr))
