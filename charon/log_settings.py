"""What is logged, where, and what is kept out of it; settings.py asks with the values of the environment."""

import sys
from typing import Any


def logging_config(level: str, form: str, tracebacks: bool) -> dict[str, Any]:
    """The dictionary of `logging.config`: one console handler on stderr; `form` is text or json."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "text": {"()": "charon.logs.TextFormatter", "format": "%(asctime)s %(levelname)s %(name)s: %(message)s"},
            "json": {"()": "charon.logs.JsonFormatter"},
        },
        "filters": {
            "route_only": {"()": "charon.request_log.RouteOnly"},
            "once_per_cause": {"()": "charon.logs.OncePerCause"},
            "no_traceback": {"()": "charon.logs.NoTraceback"},
            "without_expected_answers": {"()": "charon.logs.WithoutExpectedAnswers"},
        },
        "handlers": {
            "console": {
                "class": "logging.StreamHandler",
                "stream": sys.stderr,
                "formatter": form,
                "filters": ["route_only", "once_per_cause", *([] if tracebacks else ["no_traceback"])],
            }
        },
        "root": {"handlers": ["console"], "level": level},
        # The queue tells of every task at INFO: thousands of lines a day that say nothing a job's row does not.
        "loggers": {
            "django.request": {"filters": ["without_expected_answers"]},
            "httpx": {"level": "WARNING"},
            "httpcore": {"level": "WARNING"},
            "django-q": {"level": "WARNING" if level == "INFO" else level},
            "axes": {"level": "ERROR"},  # charon.logins says the same in one line, with the id of the request
            "django.security.DisallowedHost": {"level": "CRITICAL"},  # a stranger's mistake; our line of the 400 tells it
            "django.server": {"handlers": ["console"], "level": level, "propagate": False},
            "stamina": {"level": "ERROR"},  # says that it tries again, but not what or why; the job says both
            "apprise": {"level": "CRITICAL"},  # writes passwords at DEBUG, and at WARNING the tokens that it refuses
            "urllib3": {"level": "WARNING"},  # writes paths at DEBUG; those of Telegram, Slack and Discord hold the token
        },
    }
