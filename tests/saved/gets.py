"""Every GET that is saved: of each operation all of its parameters, its errors, and whose answers differ.

A new address, or a new parameter, without a line here fails `tests/test_saved.py`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

TOKEN = "let-me-in"
# Who asks, by the headers that differ. `again` asks with the ETag of the answer before, `packed` takes gzip.
HEADERS: dict[str, dict[str, str]] = {
    "": {},
    "htmx": {"HX-Request": "true"},
    "restore": {"HX-Request": "true", "HX-History-Restore-Request": "true"},
    "operator": {"Authorization": f"Bearer {TOKEN}"},
    "intruder": {"Authorization": "Bearer guess"},
    "staff": {},
    "again": {},
    "packed": {"Accept-Encoding": "gzip"},
    "metrics": {},
}
LONGEST_NAME = 120


@dataclass(frozen=True, slots=True)
class Get:
    stage: str
    address: str
    who: str = ""

    @property
    def file(self) -> str:
        words = re.sub(r"[^A-Za-z0-9.]+", "-", self.address).strip("-").lower() or "root"
        return f"{self.stage}/{words[:LONGEST_NAME]}{'.' if self.who else ''}{self.who}.txt"


EMPTY = """
/
/ htmx
/waluty/
/waluty/EUR/
/waluty/XYQ/
/zloto/
/sygnaly/
/alerty/
/miner/
/status/
/health
/sources?limit=2
/currencies
/gold
/rates?code=USD
/signals
/signals/current
/outcomes
/prices/latest
/candles?symbol=BTC
/assets
/jobs
/stats/miner
/batch/status
/batch/queue/stats
/alerts
/alerts/rules?cursor=bogus
/alerts/rules
/config/alerts-defaults
"""

PAGES = """
/en/
/en/waluty/USD/
/api/
/o-danych/
/dane/
/dane/?zrodlo=nbp&tabela=A&rok=2026
/dane/zmiany/
/dane/porownanie/
/krypto/
/krypto/BTCUSD/
/kurs-podatkowy/
/kurs-podatkowy/?waluta=USD&data=2026-10-26&regula=pit&kwota=1500
/kurs-podatkowy/?waluta=USB&data=2026-10-26&regula=pit
/kurs-podatkowy/faktura/
/przelicznik/
/przelicznik/?kwota=100&z=USD&na=EUR&data=2026-10-26
/sitemap.xml
/status.json
/status.txt
/sygnaly/1/
/sygnaly/999999/
/tabele/A/2026-10-26/
/tabele/A/2026-10-25/
/ui
/ui/assets/BTC
/ui/settings
/ui/ htmx
/ui/alerts/ htmx
/ui/settings/ htmx
/wykres/USD/dane/?zakres=1M
/wykres/USD/tabela/?zakres=1M
/kurs-podatkowy/lista/
/
/ htmx
/ restore
/ again
/waluty/
/waluty/ htmx
/waluty/USD/ htmx
/waluty/USD/ again
/waluty/USD/?zakres=1M
/waluty/USD/?zakres=1M htmx
/waluty/USD/?zakres=5R htmx
/waluty/EUR/?zakres=3M htmx
/waluty/JPY/?zakres=1M htmx
/waluty/UAH/?zakres=1M htmx
/waluty/RUB/?zakres=3M htmx
/waluty/HRK/?zakres=1M htmx
/waluty/AED/?zakres=Max htmx
/waluty/AED/?zakres=nothing htmx
/waluty/usd/?zakres=5R
/waluty/USD/PLN/
/waluty/XAU/
/waluty/USB/
/waluty/EURUSD/
/zloto/?zakres=3M
/zloto/?zakres=1M htmx
/sygnaly/
/sygnaly/?instrument=USD&regula=macd_cross&interwal=1d&sygnal=kup&tryb=wstecz&strona=2 htmx
/sygnaly/?instrument=USB
/alerty/
/alerty/ htmx
/alerty/?instrument=BTC&strona=2
/alerty/podglad/?rodzaj=move&instrument=USD&okno=1440&prog=1&kierunek=up
/alerty/podglad/?rodzaj=level&instrument=USD&poziom=x htmx
/ui/alerts
/miner/
/miner/?strona=2 htmx
/status/
/status/ htmx
/status/ staff
/metrics
/metrics metrics
/nothing
"""

RATES = """
/api/v1/rates?code=USD&limit=3
/api/v1/rates?code=USD&limit=3 again
/rates?code=USD&limit=30 packed
/rates?code=USD&limit=1 operator
/rates?code=usd/pln&limit=1
/rates/?code=USD&limit=1&offset=2
/rates?code=USD&table=A&limit=1
/rates?code=AED&table=B&limit=1
/rates?code=USD&table=C&limit=2
/rates?code=EUR&table=eurofxref&limit=2
/rates?code=EURUSD&source=ecb&limit=2
/rates?code=USD&source=nbp_archive&limit=2
/rates?code=JPY&source=NBP&limit=1
/rates?code=RUB&from=2026-08-01&limit=2
/rates?code=HRK&limit=1
/tax-rules
/tax-rules?limit=1&offset=29 again
/tax-rate?rule=pit-revenue&code=USD&date=2026-10-26&amount=1500
/tax-rate?rule=pit-revenue&code=USD&date=2026-10-26&amount=1500 again
/tax-rate?rule=pit&code=USD&date=2026-10-27 operator
/tax-rate?rule=vat&code=EUR&tax_point=2026-10-23&invoice_date=2026-10-22&order=tax-first
/tax-rate?rule=vat-ecb&code=EUR&date=2026-10-26&choice=ecb
/tax-rate?rule=vat-correction&code=EUR&original_tax_point=2026-10-22&original_invoice_date=2026-10-22
/tax-rate?rule=pit-fx-diff&code=USD&invoice_date=2026-10-22&payment_date=2026-10-26&actual_rate=3.9&amount=1000
/tax-rate?rule=vat-oss&code=EUR&period_end=2026-09-30
/tax-rate?rule=limit-october&code=EUR&year=2026&amount=2000000
/tax-rate?rule=uor-reference&code=KYD&date=2026-10-26&reference=USD&cross_rate=1.20
/tax-rate?rule=same-day&code=USD&date=2026-10-26&as_of=2026-10-26T12:00:00Z
/tax-rate?rule=pit&code=USB&date=2026-10-26
/tax-rate?rule=pit
/tax-rate/invoice
/rates?code=USD&from=2026-10-26&to=2026-10-28
/rates?code=USD&from=2001-01-01&to=2001-01-02
/rates?code=USD&from=2026-10-28&to=2026-10-26
/rates?code=USD&from=yesterday
/rates?code=USD&limit=0
/rates?code=USD&table=D
/rates?code=USD&source=nobody
/rates?code=XAU
/rates?code=USB
/rates?code=USD&bogus=1
/rates
/compare
/compare again
/compare operator
/compare?pair=usd-pln
/compare?pair=gold
/compare?pair=eur-usd
/compare?bogus=1
/gold?limit=2
/gold?limit=1 again
/gold?from=2026-10-27&to=2026-10-28
/gold?limit=1&offset=5
/gold?source=nbp&limit=1
/gold?source=ecb&limit=1
/gold?source=nobody
/gold?limit=1 operator
/gold?unit=oz&currency=USD&date=2026-10-28
/gold?fill=previous&from=2026-10-23&to=2026-10-26
/latest
/latest again
/latest operator
/latest?code=USD,HRK&quotes=EUR&expand=source
/latest?base=EUR&limit=2&offset=1
/latest?code=USD&table=A&source=nbp
/latest?code=USD&code=EUR
/latest?limit=0
/rates?code=USD,EUR&date=2026-10-25
/rates?code=USD&date=2026-10-25&fill=previous
/rates?code=USD&date=2026-10-25&fill=next
/rates?code=USD,AED&fill=none&from=2026-10-23&to=2026-10-26
/rates?code=PLN&quotes=USD,EUR&date=2026-10-28
/rates?code=USD&base=EUR&from=2026-10-26&to=2026-10-28
/rates?code=USD&group=month&from=2026-09-01
/rates?code=USD&group=week&shape=columns&from=2026-10-12
/rates?code=USD&shape=columns&limit=3
/rates?code=USD&expand=source&limit=1
/rates?code=USD&as_of=2026-10-26T12:00:00Z&limit=2
/rates?code=USD&as_of=2026-10-27&expand=source&limit=1
/rates?code=USD&as_of=2026-10-26T12:00:00Z&limit=1 operator
/rates?code=USD,EUR&quotes=PLN,EUR&as_of=2026-10-26T12:00:00Z&from=2026-10-23
/rates?code=USD&as_of=2026-10-26&date=2026-10-26
/rates?code=USD&as_of=2026-10-26T12:00:00
/rates?code=USD&as_of=2030-01-01
/rates?code=USD&overrides=1&from=2026-10-22&to=2026-10-26
/rates?code=USD&overrides=1&expand=source&from=2026-10-23&to=2026-10-23
/rates?code=USD&overrides=1&as_of=2026-10-26
/rates?code=USD&overrides=1&source=nbp
/rates?code=USD,EUR&overrides=1
/rates?code=USD&overrides=yes
/latest?code=USD&as_of=2026-10-26
/gold?as_of=2026-10-26T12:00:00Z&limit=2
/gold?as_of=2026-10-26&fill=previous
/history/index.json
/history/index.json again
/history/history.parquet
/history/USD/2025.json
/history/USD/2025.json operator
/history/XAU/2025.csv
/history/USD/2026.json
/history/USB/2025.csv
/rates?code=USD&date=2026-10-28&from=2026-10-01
/rates?code=USD,usd
/rates?code=USD&fill=both
/convert?amount=1500.50&from=USD&to=PLN
/convert?amount=1500.50&from=USD&to=EUR&date=2026-10-26&day=D-1
/convert?amount=2&from=XAU&to=USD&unit=oz
/convert?amount=100&from=USD&to=PLN&date=2026-10-26&rule=pit
/convert?amount=1e3&from=USD&to=PLN
/convert?amount=1&from=HRK&to=PLN
/convert
/currencies
/currencies?limit=2&offset=3
/currencies?limit=1 operator
/currencies?limit=-1
/revisions
/revisions again
/revisions operator
/revisions?limit=2&cursor=WyIyMDI2LTEwLTI4VDEyOjAwOjAwKzAwOjAwIiwiMCIsIjk5OTk5OSJd
/revisions?code=USD&source=nbp&table=A&from=2026-10-01&to=2026-10-28&limit=1&offset=1
/revisions?seen_from=2026-10-26T12:00:00Z
/revisions?seen_from=2030-01-01
/revisions?code=USB
/revisions?bogus=1
/overrides
/overrides?cursor=bogus
/overrides?code=USD&standing=true&limit=1&offset=1
/overrides?standing=perhaps
/overrides/5
/provenance/publication/1
/provenance/publication/1 again
/provenance/rate/1
/provenance/rate/1 operator
/provenance/revision/1
/provenance/override/1
/provenance/job/1
/provenance/rate/0
/provenance/rates/1
/rates?code=USD&limit=3&format=csv
/rates?code=USD&limit=3&format=excel-pl
/rates?code=USD&limit=3&format=csv&sep=tab&dec=,&bom=1
/rates?code=USD&limit=3&format=ndjson
/rates?code=USD&limit=3&format=beancount
/rates?code=USD&limit=3&format=xls
/rates?code=USD&limit=3&format=csv&dec=,
/gold?limit=2&format=csv
/gold?limit=2&format=ledger
/currencies?limit=2&format=sheets-pl
/csv/rate?code=USD
/csv/rate?code=USD again
/csv/rate?code=USD&date=2026-10-26&dec=,
/csv/rate?code=USD&date=2026-10-25
/csv/rate?code=USD&rule=pit&date=2026-10-26
/csv/rate?code=USB
/csv/kurs?code=XAU
"""

PRICES = """
/prices?asset=BTC
/prices?asset=BTC&window=1h&limit=2
/prices?asset=BTC&source=coingecko&limit=3
/prices?asset=BTCUSDT&limit=1
/prices?asset=USD&window=7d
/prices?asset=EURUSD
/prices?asset=EURUSD operator
/prices?asset=BTC&source=polygon
/prices?asset=EURUSD&source=polygon
/prices?asset=BTC&window=never
/prices?asset=NOTHING
/prices?asset=BTC&limit=0
/prices
/prices/summary?asset=BTC&window=24h
/prices/summary?asset=BTC&source=coingecko
/prices/summary?asset=SOL
/prices/summary?asset=NOTHING
/prices/latest
/prices/latest operator
/prices/latest?limit=1&offset=1
/prices/latest?asset=BTC
/prices/latest?asset=USD
/prices/latest?source=deribit
/prices/latest?source=polygon
/prices/latest?asset=BTC&source=polygon operator
/prices/latest?asset=NOTHING
/candles?symbol=BTCUSDT&limit=3
/candles?symbol=BTCUSDT&timeframe=5m
/candles?symbol=BTCUSDT&timeframe=4h&limit=6
/candles?symbol=BTCUSDT&timeframe=1d&limit=6
/candles?symbol=BTC&timeframe=1h&source=deribit
/candles?symbol=BTC&timeframe=1d&source=deribit
/candles?symbol=BTCUSDT&from=2026-10-28T08:00:00Z&limit=2
/candles?symbol=BTCUSDT&from=2026-10-28T06:00:00Z&to=2026-10-28T08:00:00Z
/candles?symbol=BTCUSDT&timeframe=1d&from=2026-10-27
/candles?symbol=BTCUSDT&timeframe=2h
/candles?symbol=BTCUSDT&source=polygon
/candles?symbol=NOTHING
/assets
/assets operator
/assets?limit=1&offset=1
/assets?limit=x
/assets/BTC
"""

WORK = """
/sources
/sources?limit=1&offset=2
/jobs
/jobs?limit=2&cursor=WyIyMDI2LTEwLTI4VDEyOjAwOjAwKzAwOjAwIiwiOTk5OTk5Il0
/jobs?limit=2&offset=1
/jobs?type=nbp.A&limit=3
/jobs?status=running
/jobs?status=failed&limit=2
/jobs?status=skipped
/jobs?source=ecb
/gaps
/gaps again
/gaps operator
/gaps?source=nbp&limit=2&offset=1
/gaps?table=candle:1h&limit=1
/gaps?table=D
/gaps?instrument=USD
/gaps?from=2026-01-01&to=2026-10-26&limit=1
/gaps?from=2026-10-26&to=2026-01-01
/gaps?bogus=1
/gaps/heal
/gaps/days
/gaps/days?source=nbp&table=A&year=2026
/gaps/days?source=ecb&table=eurofxref&year=2026
/gaps/days?source=nbp&table=D&year=2026
/gaps/days?source=nbp&table=A&year=1979
/jobs?source=nobody
/jobs?status=gone
/stats/miner?limit=3
/stats/miner?limit=0
/stats/upcoming
/stats/upcoming?limit=1&offset=1
/batch/status
/batch/status?batch_id=5eedba7c4
/batch/status?batch_id=nobody
/batch/run
/batch/queue/stats
/batch/rate-limit
/health
/health?strict=1
/redis/log
/redis/log intruder
/redis/log operator
/redis/log?limit=5&type=signal&source=ta-service operator
/redis/log?type=gossip operator
/api/v1/stream
/sse
/robots.txt
/favicon.ico
/.well-known/security.txt
"""

SIGNALS = """
/signals?limit=2&cursor=WyIyMDI2LTEwLTIwVDAwOjAwOjAwKzAwOjAwIiwiMSIsIjk5OTk5OSJd
/signals?limit=5
/signals?limit=5 again
/signals?limit=1 operator
/signals?code=USD
/signals?code=RUB&limit=4
/signals?code=gold&limit=3
/signals?code=UAH
/signals?code=USD&signal=BUY
/signals?signal=SELL&limit=2&offset=1
/signals?signal=HOLD&limit=2
/signals?rule=macd_signal_cross_12_26_9&limit=1
/signals?rule=macd_cross&limit=1
/signals?rule=all&limit=1
/signals?rule=another
/signals?rule=macd_crosss
/signals?code=USD&from=2026-10-20&to=2026-10-22
/signals?from=2026-10-22&to=2026-10-20
/signals?code=USB
/signals?signal=buy
/signals?bogus=1
/signals/current
/signals/current?limit=2&offset=1
/signals/current?limit=1 operator
/signals/current?limit=0
/signals/current?rule=macd_cross&limit=1
/signals/current?rule=all&limit=1
/signals/current?rule=another
/signals?as_of=2026-10-26T12:00:00Z&limit=2
/signals?as_of=2026-10-26&code=USD&limit=1
/signals?as_of=2026-10-26T12:00:00
/signals?as_of=2030-01-01
/signals/current?as_of=2026-10-28T10:00:00Z&limit=2
/signals/current?as_of=2026-10-28T10:00:00Z&rule=rating
/provenance/signal/1
/provenance/signal/999999
/signals/1/explain
/signals/999999/explain
/signals/1_0/explain
/outcomes
/outcomes again
/outcomes operator
/outcomes?code=USD
/outcomes?code=gold&rule=macd_cross
/outcomes?timeframe=1d&horizon=5&live=false
/outcomes?rule=all&limit=1&offset=1
/outcomes?code=USB
/outcomes?rule=macd_crosss
/outcomes?horizon=3
/outcomes?timeframe=2d
/outcomes?live=perhaps
/outcomes?limit=0
/outcomes?bogus=1
/waluty/USD/?zakres=1M&regula=macd_cross htmx
"""

ALERTS = """
/alerts
/alerts again
/alerts operator
/alerts?limit=2&cursor=WyIyMDI2LTEwLTI4VDEyOjAwOjAwKzAwOjAwIiwiOTk5OTk5Il0
/alerts?asset=BTC&limit=20
/alerts?state=open
/alerts?limit=1&offset=1
/alerts?asset=NOTHING
/alerts?state=over
/alerts?limit=0
/alerts/7
/alerts/preview
/alerts/rules/7
/alerts/events/7/acknowledge
/alerts/rules
/alerts/rules operator
/alerts/rules?limit=1&offset=1
/alerts/channels
/alerts/channels operator
/alerts/channels?limit=1&offset=1 operator
/alerts/silences
/alerts/silences operator
/alerts/silences?limit=1&offset=1 operator
/alerts/silences/3
/alerts/12/deliveries
/alerts/999999/deliveries operator
/alerty/potwierdz/forged/
/config/alerts-defaults
/config/alerts-defaults?bogus=1
"""

FEEDS = """
/feeds/signals.atom
/feeds/signals.atom again
/feeds/signals.atom?lang=en
/feeds/signals.atom?lang=de
/feeds/signals/USD.atom
/feeds/signals/btc.atom
/feeds/signals/USB.atom
/feeds/alerts.atom
/feeds/revisions.atom
/feeds/problems.atom
/feeds/publications.ics
/feeds/holidays-pl.ics
/feeds/holidays-target.ics?lang=en
/badge/USD.svg
/badge/XAU.svg?theme=dark
/badge/BTC.svg?lang=en
/badge/USB.svg
/spark/USD.svg
/spark/EUR.svg?days=365&theme=light
/spark/BTCUSDT.svg
/embed/USD
/embed/USD operator
/embed/XAU?days=30&theme=dark&lang=en
/embed/BTC
/embed/USD?days=0
/llms.txt
"""

DOCUMENTS = """
/api/v1/openapi.json
/docs
/redoc
/api/v1/
/api/v1/nothing
"""

NOON = """
/ htmx
/waluty/USD/?zakres=1M htmx
/zloto/?zakres=1M htmx
"""

LATER = """
/ htmx
/waluty/USD/?zakres=1M htmx
/zloto/?zakres=1M htmx
/waluty/AED/?zakres=1M htmx
/miner/ htmx
/status/ htmx
/sources
/health
/prices/latest
/prices?asset=BTC
/jobs?limit=1
/stats/miner?limit=1
/batch/status
/batch/rate-limit
"""

FILLING = """
/
/ htmx
/waluty/USD/?zakres=1M
/zloto/?zakres=1M htmx
/miner/
/status/
/jobs?status=running
/stats/miner?limit=1
/stats/upcoming?limit=5
/sources
/currencies?limit=3
/rates?code=EURUSD
/rates?code=EUR&table=eurofxref&limit=1 operator
/prices/latest
/signals/current?limit=3
/signals?limit=1
"""

TEXTS = {
    "empty": EMPTY,
    "full": PAGES + RATES + PRICES + WORK + SIGNALS + ALERTS + FEEDS + DOCUMENTS,
    "noon": NOON,
    "later": LATER,
    "filling": FILLING,
}


def gets() -> Iterator[Get]:
    for stage, text in TEXTS.items():
        for line in text.split("\n"):
            if line:
                address, _, who = line.partition(" ")
                yield Get(stage, address, who)
