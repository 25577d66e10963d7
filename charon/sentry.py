"""Errors to Sentry, where SENTRY_DSN names a project: what the log has at ERROR, through the same filters.

Sentry's own integrations stay off. They would send addresses, headers and variables of a request, and an error that
fails every poll as often as it comes; here a cause goes once an hour from each process.
"""

import logging
from importlib.util import find_spec
from typing import Any

from django.conf import settings

from charon import request_log
from charon.logs import cause_of
from markets.jobs.redact import without_secrets_within

MISSING = "SENTRY_DSN is set, but the package sentry-sdk is not installed: errors go to the log alone (make sentry)"


def is_missing() -> bool:
    return bool(settings.SENTRY_DSN) and find_spec("sentry_sdk") is None


def handler() -> logging.Handler:
    """The log is configured once in each process, and with it Sentry; its thread starts with the first event."""
    if is_missing():
        return logging.NullHandler()
    from sentry_sdk.integrations.logging import EventHandler

    start()
    return EventHandler()


def start(**more: Any) -> None:
    """`more` is for tests, which keep the events. `send_default_pii` is off unless set, and deprecated."""
    import sentry_sdk
    from sentry_sdk.integrations.atexit import AtexitIntegration

    sentry_sdk.init(
        dsn=settings.SENTRY_DSN,
        release=f"charon@{settings.VERSION}",
        default_integrations=False,
        auto_enabling_integrations=False,
        integrations=[AtexitIntegration(callback=lambda *_: None)],  # what waits is sent; nothing is printed
        before_send=scrubbed,
        include_local_variables=False,
        max_breadcrumbs=0,
        auto_session_tracking=False,
        send_client_reports=False,
        **more,
    )


def scrubbed(event: Any, hint: Any) -> Any:
    """The event without secrets, with the id as a tag; None for the line of a 500, whose error is an event itself."""
    record = hint["log_record"]
    if record.name == request_log.logger.name:
        return None
    for name in ("request", "user", "extra", "breadcrumbs"):
        event.pop(name, None)
    if number := getattr(record, "request_id", ""):
        event["tags"] = {"request_id": number}
    if not record.exc_info and (cause := cause_of(record)):
        event["fingerprint"] = [cause]  # a task that failed: its traceback is a text, with names that change
    return without_secrets_within(event)
