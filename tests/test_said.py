"""The source's own words in an error: an operator can tell causes apart; no secret, address or page comes along."""

import json

import pytest
import respx

from markets.jobs.redact import without_secrets
from markets.network.said import said
from miner.fetch import http
from miner.fetch.errors import ProviderError
from miner.providers.deribit import Deribit
from tests.bodies import recorded

URL = "https://api.bank.example/rates?token=hidden"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (recorded("nbp", "400_date_range.txt"), "400 BadRequest - Błędny zakres dat / Invalid date range"),
        ("Błędny zakres dat".encode("cp1250"), "Błędny zakres dat"),
        ("\ufeffBłędny\r\n\tzakres  dat\0".encode("utf-16"), "Błędny zakres dat"),
        (b'{"error":{"status":{"timestamp":"x","error_code":10012,"error_message":"Too far back"}}}',
         "Too far back (10012)"),
        (b'{"status":{"error_code":429,"error_message":"Slow down"}}', "Slow down (429)"),
        (b'{"error":"coin not found"}', "coin not found"),
        (b'{"jsonrpc":"2.0","error":{"message":"system_maintenance","code":11051}}', "system_maintenance (11051)"),
        (b'{"error":{"message":"Invalid params","data":{"reason":"r"},"code":-32602}}', "Invalid params (-32602)"),
        (b'{"code":-1121,"msg":"Invalid symbol."}', "Invalid symbol. (-1121)"),
        (b'{"status":"NOT_AUTHORIZED","request_id":"1","message":"You are not entitled"}', "You are not entitled"),
        (b'{"status":"ERROR","error":"Unknown API Key"}', "Unknown API Key"),
        (b'{"errors":[{"title":"Gone","detail":"for good"}]}', "for good"),
        (b'[{"message":"first"},{"message":"second"}]', "first"),
        (b'"just a sentence"', "just a sentence"),
        (b'{"code":5}', "5"),
        (b"<html><head><TITLE>\n502 Bad &amp; Gateway</TITLE></head><body>secret</body></html>", "502 Bad & Gateway"),
        (b"<html><body>no title</body></html>", ""),
        (b'{"error":{"message":"cut off here","da', "cut off here"),
        (b"", ""), (b"{}", ""), (b"null", "null"), (b"[" * 5000, ""),
        (b'{"message":{"message":{"a":{"b":"deep"}}}}', ""),
    ],
)  # fmt: skip
def test_the_words_are_found_whatever_the_shape(body: bytes, words: str) -> None:
    assert said(body) == words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Your IP 10.1.2.3:80 is banned until 1659146400000", "Your IP *** is banned until 1659146400000"),
        ("2001:db8:0:1::7 asked", "*** asked"),
        ("see https://api.bank.example/x?key=1 now", "see *** now"),
        ("mail me@bank.example", "mail ***"),
        ("the key abcd-HIDDEN is wrong", "the key abcd-*** is wrong"),
        ("\u202ered\x07 alert", "red alert"),
        ("at 11:45:00 of 2026-10-26, version 1.2.3", "at 11:45:00 of 2026-10-26, version 1.2.3"),
    ],
)
def test_no_secret_and_no_address_comes_along(text: str, words: str) -> None:
    assert said(text.encode(), ["hidden"]) == words


@pytest.mark.parametrize(
    ("body", "words"),
    [(b"x", "x" * 160), (b"<title>", ""), (b"https://", "***"), (b"a@", "***"), (b"1.", "1." * 80), (b'{"msg"', "")],
)
def test_the_words_are_short_whatever_is_repeated(body: bytes, words: str) -> None:
    """A search that began anew at every letter took 16 s for the first of them."""
    assert said(body * 10_000) == words


def test_a_password_is_found_in_a_long_text_of_addresses() -> None:
    assert without_secrets("://" * 20_000 + "a:s3cret@host/x and http://u:p@h") == "://***@host/x and http://***@h"


@pytest.mark.parametrize("status", [400, 429, 451, 503])
def test_what_the_source_quotes_of_our_request_stands_in_no_error(status: int) -> None:
    text = json.dumps({"message": "Bearer k3y-of-ours at API.bank.example: it is unknown"})
    with respx.mock as web:
        web.get(url__regex=".*").respond(status, text=text)
        with pytest.raises(ProviderError) as caught:
            http.get("https://api.bank.example/a", headers={"Authorization": "Bearer k3y-of-ours"})
    assert str(caught.value) == f"GET /a: HTTP {status}: *** at ***: it is unknown"


def test_deribit_says_why_under_every_status() -> None:
    body = recorded("deribit", "503_maintenance.json")
    for status in (200, 503):
        with respx.mock as web:
            web.get(url__regex=".*").respond(status, content=body)
            with pytest.raises(ProviderError, match="system_maintenance"):
                Deribit("https://bank.example/").fetch_quotes(["btc_usd"])
