"""The sentences of jobs, notes and problems by code: English for logs and the API, and the msgid of the pages.

The English fills `{name}` (str.format), the Polish `%(name)s`. A sentence that is punctuation alone has no Polish. A
code stands in the database: it is never given another meaning, and one that is used no more stays here.
"""

from typing import NamedTuple


def _(msgid: str) -> str:
    """Marks a text for the catalogue. Django's gettext_noop asks for settings, and a provider is imported without."""
    return msgid


class Text(NamedTuple):
    english: str
    polish: str = ""


# As people read `Job.Reason`; the word of the API is the code itself.
REASONS = {
    "up_to_date": _("nic nowego"),
    "weekend": _("weekend, brak notowań"),
    "holiday": _("dzień wolny, brak notowań"),
    "not_yet": _("jeszcze nie opublikowano"),
    "silent": _("od wielu dni nic nie opublikowano"),
    "unreachable": _("źródło nieosiągalne"),
    "refused": _("źródło odmówiło"),
    "unreadable": _("nieczytelna odpowiedź źródła"),
    "expected_data": _("brak danych, które powinny istnieć"),
    "no_key": _("brak klucza API lub klucz odrzucony"),
    "blocked": _("źródło zablokowane w tym kraju"),
    "no_plan": _("plan u dostawcy tego nie obejmuje"),
    "budget": _("limit zapytań wyczerpany"),
    "environment": _("niezrozumiała zmienna środowiska"),
    "storage": _("nie udało się zapisać w bazie"),
    "figures_refused": _("odrzucono zbyt wiele wartości"),
    "lost": _("proces zniknął w trakcie pracy"),
    "timed_out": _("przekroczono czas jednego zadania"),
    "stopped": _("przerwane: zatrzymanie systemu albo operator"),
    "error": _("błąd programu"),
}

JOBS = {
    "words": Text("{words}"),
    "about": Text("{about}: {reason}"),
    "several": Text("{parts}"),
    "exception": Text("{kind}: {words}", _("błąd programu %(kind)s: %(words)s")),
    "exception_bare": Text("{kind}", _("błąd programu %(kind)s")),
    "given_up": Text("job {job} was given up", _("zadanie %(job)s przejął albo zakończył inny proces")),
    "batch_busy": Text("another batch was running", _("trwała inna aktualizacja najważniejszych instrumentów")),
    "batch_late": Text("the batch has no time left for it", _("aktualizacji nie starczyło na to czasu")),
    "note_refused": Text("refused: {what}", _("odrzucono: %(what)s")),
    "note_left_out": Text(
        "left out of the table published again: {what}", _("brak w tabeli ogłoszonej ponownie: %(what)s")
    ),
    "new_codes": Text("new codes: {codes}", _("nowe kody: %(codes)s")),
    "lines_gone": Text("{count} lines are gone", _("pozycje, które zniknęły z wykazu: %(count)s")),
    "lines_without_code": Text("{count} lines have no code: {shown}", _("pozycje bez kodu (%(count)s): %(shown)s")),
    "refused_from": Text(
        "{ticker} {timeframe} from {first:%Y-%m-%d %H:%M}: {reason}",
        _("%(ticker)s %(timeframe)s od %(first)s: %(reason)s"),
    ),
    "refused_of": Text("{refused} of {offered} refused", _("odrzucone wartości: %(refused)s z %(offered)s")),
    "refused_of_as": Text(
        "{refused} of {offered} refused, for example {example}",
        _("odrzucone wartości: %(refused)s z %(offered)s, na przykład %(example)s"),
    ),
    "unlisted": Text("no source lists {symbol}", _("żadne źródło nie ma symbolu %(symbol)s")),
    "being_asked": Text("{source} is being asked at the moment", _("trwa już odpytywanie źródła %(source)s")),
    "did_not_say": Text("{source} did not say: {reason}", _("źródło %(source)s nie podało wykazu: %(reason)s")),
    "nothing_published": Text(
        "nothing published from {first} to {last}", _("brak publikacji od %(first)s do %(last)s")
    ),
    "nothing_to_ask": Text(
        "{source} lists nothing that could be asked for", _("źródło %(source)s nie ma nic, o co można zapytać")
    ),
    "not_traded": Text("not traded there", _("nie ma go w tym źródle")),
    "no_data": Text("No data", _("źródło nic nie podało")),
    "has_no_key": Text("{source} has no key", _("brak klucza API do źródła %(source)s")),
    "is_paused": Text("{source} is paused", _("źródło %(source)s jest wstrzymane")),
    "is_off": Text("{source} is switched off", _("źródło %(source)s jest wyłączone")),
}

# What a request came to; the path alone, never the host.
REQUESTS = {
    "no_time_left": Text("GET {place}: no time left", _("GET %(place)s: nie starczyło czasu")),
    "no_answer": Text("GET {place}: no answer in time", _("GET %(place)s: brak odpowiedzi w terminie")),
    "still_answering": Text(
        "GET {place}: still answering after {seconds} s", _("GET %(place)s: odpowiedź trwa dłużej niż %(seconds)s s")
    ),
    "not_public": Text("GET {place}: base_url {fault}", _("GET %(place)s: niedozwolony adres źródła: %(fault)s")),
    "by_proxy": Text("GET {place}: the proxy refused", _("GET %(place)s: odmowa serwera pośredniczącego")),
    "by_proxy_status": Text(
        "GET {place}: the proxy refused: HTTP {status}",
        _("GET %(place)s: odmowa serwera pośredniczącego: HTTP %(status)s"),
    ),
    "cannot_be_asked": Text("GET {place}: cannot be asked: {kind}", _("GET %(place)s: nie można zapytać: %(kind)s")),
    "connection": Text("GET {place}: {kind}: {words}", _("GET %(place)s: błąd połączenia: %(kind)s: %(words)s")),
    "compression": Text(
        "GET {place}: the answer's compression is broken", _("GET %(place)s: błędna kompresja odpowiedzi")
    ),
    "not_a_url": Text("GET: not a URL", _("GET: to nie jest adres URL")),
    "too_long": Text("GET {place}: more than {size} bytes", _("GET %(place)s: ponad %(size)s bajtów")),
    "http_status": Text("GET {place}: HTTP {status}", _("GET %(place)s: odpowiedź HTTP %(status)s")),
    "http_said": Text("GET {place}: HTTP {status}: {said}", _("GET %(place)s: odpowiedź HTTP %(status)s: %(said)s")),
    "run_ended": Text(
        "the run ended while this request waited for its turn", _("pobieranie zakończono, zanim wysłano to zapytanie")
    ),
    "budget_used": Text(
        "the budget of {source} is used up until {until:%H:%M:%S} UTC",
        _("limit zapytań do źródła %(source)s jest wyczerpany do %(until)s"),
    ),
    "cooling": Text(
        "{source} is cooling down until {until:%H:%M:%S} UTC",
        _("przerwa w zapytaniach do źródła %(source)s do %(until)s"),
    ),
    "no_key": Text("{source}: no key", _("brak klucza API do źródła %(source)s")),
    "key_refused": Text(
        "{said}: the key was refused, look at {variable}", _("%(said)s: klucz odrzucony, sprawdź %(variable)s")
    ),
    "no_plan": Text("{said}: the plan does not cover it", _("%(said)s: plan u dostawcy tego nie obejmuje")),
    "invalid_symbol": Text("{said}: invalid symbol", _("%(said)s: nieznany symbol")),
    "banned": Text("{said}: banned", _("%(said)s: źródło zablokowało nasze zapytania")),
    "no_coin": Text("no coin {ticker}", _("nie ma waluty %(ticker)s")),
    "error_code": Text("{place}: error {number}", _("%(place)s: błąd %(number)s")),
    "error_said": Text("{place}: error {number}: {said}", _("%(place)s: błąd %(number)s: %(said)s")),
    "error_without_code": Text("{place}: an error without a code", _("%(place)s: błąd bez kodu")),
}

# What is wrong with an answer as a whole.
ANSWERS = {
    "not_agreed": Text(
        "not the answer that was agreed: {words}", _("odpowiedź ma inną budowę niż uzgodniona: %(words)s")
    ),
    "not_asked_for": Text("not asked for: {names}", _("inne niż te, o które pytano: %(names)s")),
    "not_a_number": Text("{value} is not a number", _("%(value)s nie jest liczbą")),
    "not_a_day": Text("{value} is not a day", _("%(value)s nie jest datą")),
    "beyond_calendars": Text("a moment beyond all calendars", _("data spoza kalendarza")),
    "twice_different": Text("twice, with different content", _("dwa razy, z różną treścią")),
    "hidden_entities": Text(
        "a document type of its own, where entities are hidden",
        _("własny typ dokumentu, w którym mogą być ukryte encje"),
    ),
    "not_xml": Text("not XML: {words}", _("to nie jest XML: %(words)s")),
    "no_day": Text("no day in it", _("nie ma w niej żadnego dnia")),
    "no_table": Text("not a table of days", _("to nie jest tabela dni")),
    "not_a_zip": Text("not a zip of {name}: {words}", _("to nie jest plik zip z %(name)s: %(words)s")),
    "file_too_long": Text("{name} is above {size} bytes", _("%(name)s ma ponad %(size)s bajtów")),
    "figures_and_codes": Text(
        "{figures} figures under {codes} currencies", _("wartości: %(figures)s, waluty: %(codes)s")
    ),
    "other_day": Text(
        "{name}: asked for {first} to {last}, got {day}", _("%(name)s: pytano o %(first)s – %(last)s, przyszło %(day)s")
    ),
    "other_day_unnamed": Text(
        "asked for {first} to {last}, got {day}", _("pytano o %(first)s – %(last)s, przyszło %(day)s")
    ),
    "other_table": Text("asked for table {table}, got {other}", _("pytano o tabelę %(table)s, przyszła %(other)s")),
    "snapshot_status": Text("a snapshot with status {status}", _("zestawienie ze stanem %(status)s")),
    "close_status": Text("a previous close with status {status}", _("poprzednie zamknięcie ze stanem %(status)s")),
}

# Why a value may not in.
VALUES = {
    "code_of_three": Text("the code is not three capital letters", _("kod nie składa się z trzech wielkich liter")),
    "code_of_pair": Text(
        "the code is not three or six capital letters", _("kod nie składa się z trzech ani sześciu wielkich liter")
    ),
    "not_finite": Text("not a finite number", _("to nie jest liczba skończona")),
    "not_above_zero": Text("not above zero", _("nie jest większa od zera")),
    "too_large": Text("too large", _("za duża")),
    "decimals": Text("more than {most} decimals", _("miejsc po przecinku więcej niż %(most)s")),
    "digits": Text("more than {most} digits", _("cyfr więcej niż %(most)s")),
    "no_figure": Text("no figure", _("brak wartości")),
    "side_missing": Text("bid or ask is missing", _("brak kursu kupna lub sprzedaży")),
    "bid_above_ask": Text("bid {bid} above ask {ask}", _("kurs kupna %(bid)s wyższy niż kurs sprzedaży %(ask)s")),
    "dated_ahead": Text("dated {day}, after today", _("data %(day)s, późniejsza niż dzisiejsza")),
    "number_nul": Text("its number has a NUL", _("znak NUL w numerze")),
    "number_long": Text("its number has more than {most} characters", _("znaków w numerze więcej niż %(most)s")),
    "twice_in_table": Text(
        "twice in one table with different values", _("dwa razy w jednej tabeli, z różnymi wartościami")
    ),
    "no_time_zone": Text("{moment} has no time zone", _("%(moment)s nie ma strefy czasowej")),
    "moment_ahead": Text("of {moment}, ahead of our clock", _("z %(moment)s, po czasie naszego zegara")),
    "volume_cannot_be": Text("volume {value} cannot be", _("niemożliwy obrót %(value)s")),
    "change_cannot_be": Text("change {value} cannot be", _("niemożliwa zmiana %(value)s")),
    "price_does_not_fit": Text("{name} {value}: {reason}"),
    "out_of_order": Text("{name} {lower} above {other} {upper}", _("%(name)s %(lower)s powyżej %(other)s %(upper)s")),
    "outside": Text(
        "{name} {value} outside low {low} and high {high}", _("%(name)s %(value)s poza zakresem od %(low)s do %(high)s")
    ),
    "unknown_timeframe": Text("unknown timeframe {timeframe}", _("nieznany interwał %(timeframe)s")),
    "off_grid": Text("begins off the grid", _("nie zaczyna się na początku interwału")),
    "several_off_grid": Text(
        "{ticker} {timeframe} {first} to {last}: {count} begin off the grid",
        _("%(ticker)s %(timeframe)s %(first)s – %(last)s: świece spoza siatki interwału: %(count)s"),
    ),
    "long_candle": Text("does not end in its stretch", _("nie kończy się w swoim interwale")),
    "candle": Text("{ticker} {timeframe} {moment}: {reason}"),
    "not_listed": Text("not listed at {source}", _("nie ma go w wykazie źródła %(source)s")),
}

# `markets.network.allowed_urls.Fault`, and what a proxy's variable may have wrong.
ADDRESSES = {
    "address_characters": Text(
        "has characters that an address does not have; write other alphabets as xn--",
        _("Adres zawiera niedozwolone znaki; inne alfabety zapisuje się jako xn--"),
    ),
    "address_no_address": Text("is not an address", _("To nie jest adres")),
    "address_scheme": Text("must begin with https://", _("Adres musi zaczynać się od https://")),
    "address_login": Text(
        "must not hold a user name or a password; a key travels in the environment",
        _("Adres nie może zawierać nazwy użytkownika ani hasła; klucz podaje się w środowisku"),
    ),
    "address_query": Text(
        "must not hold a query or a fragment; paths are put behind it",
        _("Adres nie może zawierać parametrów ani fragmentu; ścieżki dopisze Charon"),
    ),
    "address_port": Text(
        "must have no port, or 443 or 8443", _("Adres nie może zawierać innego portu niż 443 lub 8443")
    ),
    "address_no_host": Text("names no host", _("Adres nie zawiera poprawnej nazwy hosta")),
    "address_inner_address": Text(
        "is an address inside a network, not a public one", _("To adres w sieci wewnętrznej, a nie publiczny")
    ),
    "address_inner_name": Text(
        "is a name inside a network, not a public one", _("To nazwa w sieci wewnętrznej, a nie publiczna")
    ),
    "leads_inside": Text(
        "leads to an address inside a network, not a public one",
        _("nazwa prowadzi do adresu w sieci wewnętrznej, a nie publicznego"),
    ),
    "proxy_no_address": Text(
        "not an address of an HTTP or SOCKS5 proxy", _("to nie jest adres serwera pośredniczącego HTTP ani SOCKS5")
    ),
    "proxy_place": Text("its host and port cannot be told apart", _("nie da się odróżnić hosta od portu")),
    "proxy_login": Text(
        "its user or password has characters that no header can carry",
        _("nazwa użytkownika lub hasło ma znaki, których nie przeniesie nagłówek"),
    ),
    "proxy_brackets": Text("what stands in brackets is not an IPv6 address", _("w nawiasach nie ma adresu IPv6")),
    "proxy_host": Text("its host is no name of a host", _("host nie jest poprawną nazwą")),
    "proxy_port": Text("its port is not a number from 1 to 65535", _("port nie jest liczbą od 1 do 65535")),
    "socks_package": Text(
        "a SOCKS proxy needs the package socksio", _("serwer pośredniczący SOCKS wymaga pakietu socksio")
    ),
    "no_certificates": Text(
        "no folder of certificates that can be read", _("brak folderu z certyfikatami, który można odczytać")
    ),
}

PROBLEMS = {
    "share": Text("{refused} / {offered}"),
    "span": Text("{count}: {first} – {last}"),
    "waiting_since": Text(
        "{count}, {oldest:%Y-%m-%d %H:%M:%S} UTC", _("czekające zadania: %(count)s, najstarsze od %(oldest)s")
    ),
    "stuck_since": Text("{count}, {first}", _("nieprzeliczone: %(count)s, od %(first)s")),
    "free_space": Text("{megabytes} MB", _("wolne: %(megabytes)s MB")),
    "entries_overdue": Text(
        "{count}, the first since {oldest:%Y-%m-%d %H:%M:%S} UTC",
        _("spóźnione pozycje: %(count)s, pierwsza od %(oldest)s"),
    ),
    "entries_missing": Text("missing: {names}", _("brakuje: %(names)s")),
    "key_missing": Text("{variable} is not set", _("brak zmiennej %(variable)s")),
    "backup_of": Text("the newest is of {moment:%Y-%m-%d %H:%M} UTC", _("najnowsza z %(moment)s")),
    "backup_none": Text("none is known", _("o żadnej nie wiadomo")),
    "deliveries_due": Text(
        "{count}, the first due since {oldest:%Y-%m-%d %H:%M:%S} UTC",
        _("czekające wiadomości: %(count)s, najstarsza od %(oldest)s"),
    ),
    "migrations_missing": Text("{count} not applied: {names}", _("niewykonane (%(count)s): %(names)s")),
    "migrations_unknown": Text("{count} of a newer release: {names}", _("z nowszego wydania (%(count)s): %(names)s")),
    "clock_differs": Text(
        "the clock of {server} differs from that of this machine by {seconds} s",
        _("zegar serwera %(server)s różni się od zegara tej maszyny o %(seconds)s s"),
    ),
    "lease_over": Text(
        "it runs since {since:%Y-%m-%d %H:%M:%S} UTC, its lease ended at {until:%Y-%m-%d %H:%M:%S} UTC",
        _("trwa od %(since)s, a jego rezerwacja wygasła %(until)s"),
    ),
    "no_database": Text("there is none at {place}", _("nie ma jej pod %(place)s")),
    "clock_moved": Text(
        "the clock was moved by {seconds} s; {count} rows were put right",
        _("zegar przestawiono o %(seconds)s s; poprawione terminy: %(count)s"),
    ),
    "clock_wrong": Text(
        "a clock was wrong; {count} rows were put right", _("zegar chodził źle; poprawione terminy: %(count)s")
    ),
    "no_cache_folder": Text(
        "no folder for the cache can be written", _("nie można zapisywać w żadnym folderze pamięci podręcznej")
    ),
    "no_numba": Text("numba cannot be used: {kind}: {words}", _("nie można użyć pakietu numba: %(kind)s: %(words)s")),
}

TEXTS: dict[str, Text] = {
    **JOBS,
    **REQUESTS,
    **ANSWERS,
    **VALUES,
    **ADDRESSES,
    **PROBLEMS,
    **{f"reason.{reason}": Text(reason, polish) for reason, polish in REASONS.items()},
}
