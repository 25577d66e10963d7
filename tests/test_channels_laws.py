"""What holds for every kind of channel in the registry, and for one that is added to it."""

import logging
import re
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
import responses
from django.utils import translation

from signals.alerts import channels
from signals.alerts.channels.channel import SECONDS, Failed, Kind, Message
from signals.alerts.deliver.models import Channel
from tests import channel_pushover

ROOT = Path(__file__).parent.parent
FOLDER = Path(channels.__file__).parent
REGISTRY = channels.KINDS
MEMBERS = [*REGISTRY.values(), channel_pushover.KIND]
each = pytest.mark.parametrize("kind", MEMBERS, ids=lambda kind: kind.name)
PLANTED = "planted0key"
# What a person might paste into the wrong field, each with the secret in it.
PASTED = (
    PLANTED,
    f"https://hooks.example.org/services/{PLANTED}?key={PLANTED}",
    f"smtp://{PLANTED}:{PLANTED}@smtp.example.org:587/",
    f"{PLANTED}@example.org",
    f"123456789:AA{PLANTED}-ikEwGqDk1xrPAt5ZQbVeJ00",
    f"T00000000/B00000000/{PLANTED}",
    f"987654321098765432/{PLANTED}Qa7yZnuoT0xNkYaB3cD4",
    f"whsec_{PLANTED}",
    f"{PLANTED}\r\nBcc: {PLANTED}@example.org",
    f"\x00\ud800{PLANTED}",
    f"{PLANTED} zażółć 📈 %s {{}} " * 500,
)
MESSAGE = Message(
    key="5e0f1a5e-3c0a-5a51-9f36-0d4e8f5a2b11",
    type="alert.fired",
    title="Kurs wzrósł",
    text="Kurs wzrósł o 5,2% w 10 minut.",
    incident="rule-7:BTC",
    at=datetime(2026, 11, 20, 11, 30, tzinfo=UTC),
    data={"price": "100000.5"},
)


@pytest.fixture(autouse=True)
def nothing_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """No name leads anywhere."""

    def fails(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(-2, f"{PLANTED}: Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fails)


@pytest.fixture(autouse=True)
def nothing_private_in_the_log(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    caplog.set_level(logging.DEBUG)
    yield
    assert PLANTED not in caplog.text


def secrets(kind: Kind, text: str, others: str = "") -> dict[str, str]:
    return {field.name: text if field.secret else others for field in kind.fields}


@each
def test_what_a_kind_says_of_itself_fits_the_table_and_the_form(kind: Kind) -> None:
    limit = Channel._meta.get_field("kind").max_length
    assert limit
    assert re.fullmatch(r"[a-z_]+", kind.name)
    assert len(kind.name) <= limit
    assert len({field.name for field in kind.fields}) == len(kind.fields) > 0
    for language in ("pl", "en"):
        with translation.override(language):
            assert all(str(title).strip() for title in (kind.title, *(field.title for field in kind.fields)))
            assert all(str(title).strip() for field in kind.fields for _value, title in field.choices)
    assert any(field.required for field in kind.fields)


@each
def test_an_empty_form_is_told_of_each_required_field(kind: Kind) -> None:
    required = {field.name for field in kind.fields if field.required}
    for blank in ({}, secrets(kind, ""), secrets(kind, " \t", " \n")):
        found = kind.check(blank)
        assert required <= set(found) <= {field.name for field in kind.fields}
        assert all(str(text).strip() for text in found.values())


@each
@pytest.mark.parametrize("pasted", PASTED, ids=range(len(PASTED)))
def test_what_is_shown_of_a_channel_and_of_its_faults_holds_no_secret(kind: Kind, pasted: str) -> None:
    limit = Channel._meta.get_field("target").max_length
    assert limit
    for config in (secrets(kind, pasted), secrets(kind, pasted, "a@example.org")):
        shown = kind.target(config)
        assert len(shown) <= limit
        assert shown.isprintable()
        assert PLANTED not in shown + "".join(map(str, kind.check(config).values()))


@each
def test_a_channel_that_is_half_filled_in_has_a_target(kind: Kind) -> None:
    assert isinstance(kind.target({}), str)
    assert all(isinstance(kind.target({field.name: pasted}), str) for field in kind.fields for pasted in PASTED)


@each
@pytest.mark.parametrize("pasted", ["", *PASTED], ids=range(len(PASTED) + 1))
def test_whatever_stands_in_its_fields_a_try_ends_with_one_kind_of_error(kind: Kind, pasted: str) -> None:
    for config in ({}, secrets(kind, pasted), secrets(kind, pasted, pasted), secrets(kind, "", pasted)):
        with pytest.raises(Failed) as caught:
            kind.send(config, MESSAGE)
        told = caught.value
        assert 0 < len(str(told)) <= 300, "as long as the column"
        assert PLANTED not in str(told)
        assert told.__suppress_context__ or told.__context__ is None, "a traceback would show it"


@each
def test_an_empty_configuration_is_not_tried_again(kind: Kind) -> None:
    with pytest.raises(Failed) as caught:
        kind.send({}, MESSAGE)
    assert caught.value.final


def test_a_try_ends_before_its_lease() -> None:
    assert SECONDS * 2 < 90


def test_a_kind_is_one_file_and_one_line() -> None:
    assert {name: kind.name for name, kind in REGISTRY.items()} == {name: name for name in REGISTRY}
    assert [name for name in REGISTRY if not (FOLDER / f"{name}.py").exists()] == []


# The page that tells how


def test_the_example_of_the_page_is_the_channel_that_is_tested_here() -> None:
    page = (ROOT / "docs" / "adding-a-channel.md").read_text(encoding="utf-8")
    example = Path(channel_pushover.__file__).read_text(encoding="utf-8")
    assert f"```python\n{example}```" in page
    assert len(example.splitlines()) < 40


def test_the_channel_of_the_page_delivers(nothing_through_requests: responses.RequestsMock) -> None:
    nothing_through_requests.post("https://api.pushover.net/1/messages.json", json={"status": 1, "request": "647d2300"})
    config = {"user": "u" * 30, "token": "a" * 30}
    assert channel_pushover.KIND.check(config) == {}
    assert channel_pushover.KIND.send(config, MESSAGE) == 0
    sent = parse_qs(str(nothing_through_requests.calls[0].request.body))
    assert (sent["title"], sent["message"]) == ([MESSAGE.title], [MESSAGE.text])
    assert (sent["user"], sent["token"]) == ([config["user"]], [config["token"]])
