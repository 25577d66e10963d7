"""What a form says of the address of a channel."""

from urllib.parse import urlsplit

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from markets.network.allowed_urls import Fault
from markets.network.fault_words import WRONG_ADDRESS
from signals.alerts.channels import http

FAULTS = WRONG_ADDRESS | {Fault.LOGIN: _("Adres nie może zawierać nazwy użytkownika ani hasła")}
LIFTED = {Fault.SCHEME, Fault.PORT, Fault.INNER_ADDRESS, Fault.INNER_NAME}


def fault_in_words(url: str) -> str:
    """Why nothing would be sent to this address; empty if it may be. Says what an operator can allow."""
    fault = http.fault_of(url)
    if fault is None:
        return ""
    allow = gettext("wyjątki wymienia zmienna CHANNEL_ALLOWED_HOSTS") if fault in LIFTED else ""
    return f"{FAULTS[fault]}{'; ' * bool(allow)}{allow}"


def host_of(url: str) -> str:
    """The part of an address that may be shown."""
    try:
        return (urlsplit(url).hostname or "")[:200]
    except ValueError:
        return ""
