"""Why an address is refused, in the words of a form."""

from django.utils.translation import gettext_lazy as _

from markets.network.allowed_urls import Fault

WRONG_ADDRESS = {
    Fault.CHARACTERS: _("Adres zawiera niedozwolone znaki; inne alfabety zapisuje się jako xn--"),
    Fault.NO_ADDRESS: _("To nie jest adres"),
    Fault.SCHEME: _("Adres musi zaczynać się od https://"),
    Fault.LOGIN: _("Adres nie może zawierać nazwy użytkownika ani hasła; klucz podaje się w środowisku"),
    Fault.QUERY: _("Adres nie może zawierać parametrów ani fragmentu; ścieżki dopisze Charon"),
    Fault.PORT: _("Adres nie może zawierać innego portu niż 443 lub 8443"),
    Fault.NO_HOST: _("Adres nie zawiera poprawnej nazwy hosta"),
    Fault.INNER_ADDRESS: _("To adres w sieci wewnętrznej, a nie publiczny"),
    Fault.INNER_NAME: _("To nazwa w sieci wewnętrznej, a nie publiczna"),
}
