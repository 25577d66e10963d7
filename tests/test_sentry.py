"""Errors at Sentry: what the log has at ERROR, once a cause, with the id and without secrets."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest
import sentry_sdk
from django.core.management import call_command
from django.test import Client
from sentry_sdk.envelope import Envelope
from sentry_sdk.transport import Transport

from charon import log_settings, request_ids, sentry
from charon.management.commands import prepare
from markets.queries import overview
from tests.log_lines import filter_named

SECRET = "pk-live-Zx81-Qw77"
TYPED, ADDRESS = "by-somebody", "192.0.2.7"  # not beside the code of a frame, which an event quotes
QUEUED = "Failed 'x' ({}) - broken : Traceback (most recent call last):\n  File \"x\", line 1\nKeyError: '{}'"


class Kept(Transport):
    """Keeps what would be sent."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[dict[str, Any]] = []

    def capture_envelope(self, envelope: Envelope) -> None:
        self.events += [one.payload.json or {} for one in envelope.items if one.type == "event"]


@pytest.fixture
def sent(settings: Any) -> Iterator[Kept]:
    """Sentry as a process has it, behind the filters of its handler."""
    settings.SENTRY_DSN, settings.POLYGON_API_KEY = f"http://{SECRET}@127.0.0.1:9/1", SECRET
    described = log_settings.logging_config("INFO", "text", tracebacks=True, sentry=True)
    assert described["root"]["handlers"] == ["sentry", "console"], "the console shortens what came before"
    handler, kept = sentry.handler(), Kept()
    sentry.start(transport=kept)
    assert not sentry_sdk.get_client().options["data_collection"]["user_info"]
    handler.setLevel(described["handlers"]["sentry"]["level"])
    for name in described["handlers"]["sentry"]["filters"]:
        handler.addFilter(filter_named(name))
    logging.getLogger().handlers.insert(0, handler)  # before the console, as in the settings
    yield kept
    logging.getLogger().removeHandler(handler)
    sentry_sdk.get_global_scope().set_client(None)


def test_an_error_is_one_event_an_hour_without_secrets_and_variables(sent: Kept) -> None:
    def ask(key: str) -> None:
        raise RuntimeError(f"GET https://api.example/?apiKey={key} failed with Bearer {key}")

    with request_ids.working_for("asked-by-me"):
        for _ in range(12):
            try:
                ask(SECRET)
            except RuntimeError:
                logging.getLogger("anybody").exception("No rates with %s", SECRET, extra={"hidden": SECRET})
        logging.getLogger("anybody").warning("Only a warning")
    [event] = sent.events
    assert (event["tags"], event["level"], event["logger"]) == ({"request_id": "asked-by-me"}, "error", "anybody")
    assert event["release"] == "charon@0.1.0"
    [error] = event["exception"]["values"]
    assert error["value"] == "GET https://api.example/?apiKey=*** failed with Bearer ***"
    assert not any("vars" in frame for frame in error["stacktrace"]["frames"])
    assert SECRET not in str(event)
    assert not {"extra", "request", "user", "breadcrumbs", "modules"} & event.keys()


def test_tasks_that_fail_alike_are_one_group(sent: Kept) -> None:
    for name in ("alpha-beta", "gamma-delta"):
        logging.getLogger("django-q").error(QUEUED.format(name, SECRET))
    logging.getLogger("django-q").error(QUEUED.replace("KeyError", "TypeError").format("epsilon", "x"))
    first, second = [event["fingerprint"] for event in sent.events]
    assert first != second
    assert SECRET not in str(sent.events)


@pytest.mark.django_db
def test_a_500_is_one_event_with_its_route_and_without_the_address(
    sent: Kept, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("of the program")

    monkeypatch.setattr(overview, "board", broken)
    client.raise_request_exception = False
    answer = client.get(f"/?typed={TYPED}", headers={"X-Any": TYPED}, REMOTE_ADDR=ADDRESS)
    [event] = sent.events
    assert event["tags"] == {"request_id": answer.headers["X-Request-ID"]}
    assert event["exception"]["values"][-1]["value"] == "of the program"
    assert event["logentry"]["message"] == "GET / 500"
    assert TYPED not in str(event)
    assert ADDRESS not in str(event)


def test_without_an_address_nothing_is_sent_and_no_package_is_needed(settings: Any) -> None:
    settings.SENTRY_DSN = ""
    assert not sentry.is_missing()
    assert list(log_settings.logging_config("INFO", "json", tracebacks=True)["handlers"]) == ["console"]


@pytest.mark.django_db
def test_an_address_without_the_package_is_said_in_one_line_at_the_start(
    settings: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    settings.SENTRY_DSN = f"http://{SECRET}@127.0.0.1:9/1"
    monkeypatch.setattr(sentry, "find_spec", lambda _: None)
    assert isinstance(sentry.handler(), logging.NullHandler)
    monkeypatch.setattr(prepare, "call_command", lambda *_, **__: None)
    monkeypatch.setattr("charon.processes.timekeeping.check", lambda: None)
    call_command("prepare")
    assert [row.getMessage() for row in caplog.records if "SENTRY" in row.getMessage()] == [sentry.MISSING]
