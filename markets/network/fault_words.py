"""Why an address is refused, in the words of a form."""

from django.utils.translation import gettext_lazy

from markets.message_texts import TEXTS
from markets.network.allowed_urls import Fault

WRONG_ADDRESS = {fault: gettext_lazy(TEXTS[f"address_{fault.name.lower()}"].polish) for fault in Fault}
