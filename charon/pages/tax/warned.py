"""What to look at beside an answer, in words: the codes and sentences that the rules of tax warn with."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from markets.views import Row

NOT_FINAL = {
    "date_ahead": gettext_noop("jeszcze nie ostateczny: ten dzień dopiero nadejdzie"),
    "not_yet_published": gettext_noop("jeszcze nie ostateczny: może ukazać się dzisiejsza tabela"),
    "day_not_over": gettext_noop("jeszcze nie ostateczny: może ukazać się dzisiejsza tabela"),
    "missing_here": gettext_noop("jeszcze nie ostateczny: brakuje u nas jednej z tabel"),
    "archive_only": gettext_noop("kurs z archiwum: numer tabeli po pobraniu z NBP"),
    "no_proof": gettext_noop("kurs bez dowodu: nie mamy oryginału tabeli"),
}
# By a part of the sentence, or the whole code.
WORDS = {
    "table_on_a_holiday": gettext_noop("Tabela ukazała się w dzień wolny od pracy: sprawdź, czy ją uznajesz."),
    "working_day_without_table": gettext_noop("W jeden z dni roboczych po drodze NBP nie ogłosił tabeli."),
    "unit_changed": gettext_noop("Waluta zmieniła potem jednostkę: kurs dotyczy jednostki sprzed zmiany."),
    "actual_rate_over_5_percent_off": gettext_noop(
        "Podany kurs różni się od kursu NBP o ponad 5%: urząd może poprosić o wyjaśnienie."
    ),
    "VAT art. 31a(2) applies": gettext_noop(
        "Faktura jest wcześniejsza niż obowiązek podatkowy: decyduje dzień przed jej wystawieniem (art. 31a ust. 2)."
    ),
    "binds for 12 months": gettext_noop(
        "Wybór kursu z podatku dochodowego wiąże przez 12 miesięcy (art. 31a ust. 2b–2d ustawy o VAT)."
    ),
    "The payment is late": gettext_noop(
        "Zapłata jest po terminie: przyjęto dzień zapłaty, czego wierzyciel może żądać (art. 358 § 3 KC)."
    ),
    "The payment is earlier": gettext_noop(
        "Zapłata jest przed fakturą: zaliczka może być przychodem lub kosztem w swoim dniu."
    ),
    "To thousands of PLN": gettext_noop(
        "Zaokrąglono do tysięcy złotych, jak dla małego podatnika; limitu ryczałtu tak się nie zaokrągla."
    ),
    "40 EUR for a claim": gettext_noop(
        "40 EUR przy należności do 5000 zł, 70 EUR powyżej 5000 zł i poniżej 50 000 zł, 100 EUR od 50 000 zł."
    ),
    "The cross rate is": gettext_noop("Kurs do waluty odniesienia podajesz sam: zachowaj jego źródło."),
    "The rate is the caller's": gettext_noop("Kurs podajesz sam: dowodem jest dokument banku, a nie tabela."),
    "and art. 30(3) is for what it does not": gettext_noop(
        "NBP ogłasza kurs tej waluty: zwykle właściwa jest inna reguła rachunkowości."
    ),
}
# Told by the state of the answer already.
STATES = {"archive_only", "no_proof"}


def rows(warnings: list[str]) -> list[Row]:
    """A sentence without a translation stays as the rule says it, in English."""
    return [row(one) for one in warnings if one not in STATES]


def row(warning: str) -> Row:
    found = next((words for part, words in WORDS.items() if part in warning), "")
    return {"words": _(found), "lang": ""} if found else {"words": warning, "lang": "en"}
