"""Polish currency names as the bank spells them. Their order here is the order of the rows in its tables."""

from functools import cache

from babel import Locale

TABLE_A_NAMES = {
    "THB": "bat (Tajlandia)",
    "USD": "dolar amerykański",
    "AUD": "dolar australijski",
    "HKD": "dolar Hongkongu",
    "CAD": "dolar kanadyjski",
    "NZD": "dolar nowozelandzki",
    "SGD": "dolar singapurski",
    "EUR": "euro",
    "HUF": "forint (Węgry)",
    "CHF": "frank szwajcarski",
    "GBP": "funt szterling",
    "UAH": "hrywna (Ukraina)",
    "JPY": "jen (Japonia)",
    "CZK": "korona czeska",
    "DKK": "korona duńska",
    "ISK": "korona islandzka",
    "NOK": "korona norweska",
    "SEK": "korona szwedzka",
    "HRK": "kuna (Chorwacja)",
    "RON": "lej rumuński",
    "BGN": "lew (Bułgaria)",
    "TRY": "lira turecka",
    "ILS": "nowy izraelski szekel",
    "CLP": "peso chilijskie",
    "PHP": "peso filipińskie",
    "MXN": "peso meksykańskie",
    "ZAR": "rand (Republika Południowej Afryki)",
    "BRL": "real (Brazylia)",
    "MYR": "ringgit (Malezja)",
    "RUB": "rubel rosyjski",
    "IDR": "rupia indonezyjska",
    "INR": "rupia indyjska",
    "KRW": "won południowokoreański",
    "CNY": "yuan renminbi (Chiny)",
    "XDR": "SDR (MFW)",
}
TABLE_C_CODES = ("USD", "AUD", "CAD", "EUR", "HUF", "CHF", "GBP", "JPY", "CZK", "DKK", "NOK", "SEK", "XDR")
PLACES = {code: place for place, code in enumerate(TABLE_A_NAMES)}


def place(code: str) -> tuple[int, str]:
    return PLACES.get(code, len(PLACES)), code


@cache
def name(code: str) -> str:
    if code in TABLE_A_NAMES:
        return TABLE_A_NAMES[code]
    found = str(Locale("pl").currencies.get(code, code))
    return found if found == code else found[0].lower() + found[1:]
