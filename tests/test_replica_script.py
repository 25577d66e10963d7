"""Faults on demand, and figures changed afterwards."""

import base64
import hashlib
import json
import re
from datetime import date

import httpx
import msgspec
import pytest

from tests.replica import Replica, asking, serve
from tests.replica.asking import TODAY, fetched, rows_of, said_on_the_wire

outgoing, replica, client = asking.outgoing, asking.replica, asking.client  # fixtures


# Figures changed afterwards


def test_a_corrected_figure_shows_wherever_it_is_asked(client: httpx.Client, replica: Replica) -> None:
    before = client.get("exchangerates/tables/A/2024-01-02/").json(parse_float=str)[0]
    replica.correct("A", date(2024, 1, 2), "USD", "9.9990")
    after = client.get("exchangerates/tables/A/2024-01-02/").json(parse_float=str)[0]
    changed = [code for code, row in rows_of(after).items() if row != rows_of(before)[code]]
    assert (changed, rows_of(after)["USD"]["mid"]) == (["USD"], "9.9990")
    assert '"mid":9.9990' in client.get("exchangerates/rates/A/USD/2024-01-01/2024-01-05/").text
    assert client.get("exchangerates/tables/A/2024-01-03/").text.count("9.9990") == 0


def test_a_correction_holds_in_its_own_replica_only(replica: Replica) -> None:
    replica.correct("gold", date(2024, 1, 2), "XAU", "1.00")
    assert fetched(replica.url + "cenyzlota/2024-01-02/").text == '[{"data":"2024-01-02","cena":1.00}]'
    with serve(today=TODAY) as other:
        assert '"cena":1.00' not in fetched(other.url + "cenyzlota/2024-01-02/").text


def test_table_c_is_corrected_in_both_its_figures(client: httpx.Client, replica: Replica) -> None:
    replica.correct("C", date(2024, 1, 2), "USD", "3.8000/3.9000")
    assert client.get("exchangerates/rates/C/USD/2024-01-02/").text.endswith('"bid":3.8000,"ask":3.9000}]}')


def test_a_correction_of_what_was_never_published_is_an_error(replica: Replica) -> None:
    with pytest.raises(KeyError):
        replica.correct("A", date(2024, 1, 1), "USD", "1.0000")
    with pytest.raises(KeyError):
        replica.correct("A", date(2024, 1, 2), "AOA", "1.0000")


# Scripts

GOLD_DAY = "cenyzlota/2024-01-02/"


def test_the_nth_request_fails_and_the_next_does_not(client: httpx.Client, replica: Replica) -> None:
    replica.set_script([{"at": 2, "status": 429, "body": "slow down", "headers": {"Retry-After": "7"}}])
    answers = [client.get(GOLD_DAY) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 429, 200]
    assert (answers[1].text, answers[1].headers["retry-after"]) == ("slow down", "7")


def test_a_fault_may_last_from_one_request_to_another(client: httpx.Client, replica: Replica) -> None:
    replica.set_script([{"from": 2, "to": 3, "status": 503}, {"from": 5, "status": 520}])
    assert [client.get(GOLD_DAY).status_code for _ in range(6)] == [200, 503, 503, 200, 520, 520]


def test_a_fault_may_choose_by_path(client: httpx.Client, replica: Replica) -> None:
    replica.set_script([{"path": "tables/B", "status": 500}])
    paths = [GOLD_DAY, "exchangerates/tables/B/", "exchangerates/tables/A/"]
    assert [client.get(path).status_code for path in paths] == [200, 500, 200]


def test_a_new_script_counts_from_one_again(client: httpx.Client, replica: Replica) -> None:
    client.get(GOLD_DAY)
    replica.set_script([{"at": 1, "status": 500}])
    assert client.get(GOLD_DAY).status_code == 500
    replica.set_script([])
    assert client.get(GOLD_DAY).status_code == 200


def test_a_delay_is_felt_by_the_client(client: httpx.Client, replica: Replica) -> None:
    replica.set_script([{"at": 1, "delay": 60}])
    with pytest.raises(httpx.ReadTimeout):
        client.get(GOLD_DAY, timeout=0.05)
    assert client.get(GOLD_DAY).status_code == 200


@pytest.mark.parametrize("cut", [0, 10, "half"])
def test_a_cut_answer_promises_more_than_it_sends(client: httpx.Client, replica: Replica, cut: int | str) -> None:
    replica.set_script([{"at": 1, "cut": cut}])
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
        client.get(GOLD_DAY)
    assert client.get(GOLD_DAY).status_code == 200


def test_a_cut_sends_exactly_the_bytes_it_says(replica: Replica) -> None:
    replica.set_script([{"cut": 10}])
    head, _, body = said_on_the_wire(replica, b"GET /api/cenyzlota/2026-03-02 HTTP/1.1\r\n\r\n").partition(b"\r\n\r\n")
    assert b"Content-Length: 37\r\n" in head + b"\r\n"
    assert body == b'[{"data":"'


def test_a_dropped_request_gets_no_answer(client: httpx.Client, replica: Replica) -> None:
    replica.set_script([{"at": 1, "drop": True}])
    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        client.get(GOLD_DAY)
    assert client.get(GOLD_DAY).status_code == 200


@pytest.mark.parametrize("kind", ["html", "bytes", "truncated-json"])
def test_rubbish_is_a_200_that_is_no_json(client: httpx.Client, replica: Replica, kind: str) -> None:
    replica.set_script([{"rubbish": kind}])
    answer = client.get("exchangerates/tables/A/2024-01-02/")
    assert answer.status_code == 200
    with pytest.raises(ValueError, match=r"Expecting|decode|Unterminated|delimiter"):
        json.loads(answer.content)


def test_a_text_is_replaced_in_an_otherwise_right_answer(client: httpx.Client, replica: Replica) -> None:
    replica.set_script([{"replace": ['"cena":595.71', '"cena":"a lot"']}])
    answer = client.get("cenyzlota/2026-03-02/")
    assert answer.text == '[{"data":"2026-03-02","cena":"a lot"}]'
    assert answer.headers["etag"] == f'"{base64.b64encode(hashlib.sha256(answer.content).digest()).decode()}"'


def test_several_entries_work_on_one_request(client: httpx.Client, replica: Replica) -> None:
    replica.set_script([{"replace": ["595.71", "-595.71"]}, {"headers": {"X-Cache": "HIT"}}])
    answer = client.get("cenyzlota/2026-03-02/")
    assert (answer.json()[0]["cena"], answer.headers["x-cache"]) == (-595.71, "HIT")


def test_a_script_corrects_and_withholds_from_a_request_on(client: httpx.Client, replica: Replica) -> None:
    figure: dict[str, object] = {"figure": ["A", "2024-01-02", "USD", "9.9999"], "at": 2}
    later: list[dict[str, object]] = [
        {"withhold": ["gold", "2024-01-02"]},
        {"publish": ["gold", "2024-01-02"], "from": 4},
    ]
    replica.set_script([figure, *later])
    assert client.get(GOLD_DAY).status_code == 404
    assert "9.9999" in client.get("exchangerates/rates/A/USD/2024-01-02/").text
    assert client.get(GOLD_DAY).status_code == 404
    assert client.get(GOLD_DAY).status_code == 200


@pytest.mark.parametrize(
    "entry",
    [{"stauts": 500}, {"cut": "third"}, {"rubbish": "pdf"}, {"path": "("}, {"figure": ["D", "2024-01-02", "USD", "1"]}],
)
def test_a_mistaken_script_is_refused_when_it_is_set(replica: Replica, entry: dict[str, object]) -> None:
    with pytest.raises((msgspec.ValidationError, re.error)):
        replica.set_script([entry])


def test_the_last_day_of_a_list_stands_twice_in_its_own_bytes(client: httpx.Client, replica: Replica) -> None:
    right = client.get("cenyzlota/2024-01-02/2024-01-04/").text
    replica.set_script([{"spoil": "doubled"}])
    last = right[right.rindex("{") : -1]
    assert client.get("cenyzlota/2024-01-02/2024-01-04/").text == f"{right[:-1]},{last}]"


def test_every_seventh_figure_is_null(client: httpx.Client, replica: Replica) -> None:
    replica.set_script([{"spoil": "nulled"}])
    prices = [day["cena"] for day in client.get("cenyzlota/2024-01-02/2024-01-31/").json()]
    assert [at for at, price in enumerate(prices, start=1) if price is None] == [7, 14, 21]
