"""The connection to the SMTP server of a channel: to an address that was checked, and no longer than a try may take.

The name is looked up once and the connection is made to what was found: a name that answers with a public address when
it is checked and with an inner one when it is connected to (DNS rebinding) gains nothing. TLS is verified for the name.
"""

import ipaddress
import logging
import smtplib
import socket
import threading
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.core.mail.backends import smtp
from django.utils.translation import gettext as _

from markets.network import allowed_urls
from signals.alerts.channels.channel import Failed

logger = logging.getLogger(__name__)


class Checked(smtplib.SMTP):
    """Hangs up when the time is over: the timeout of a socket begins anew with every byte of a dripping answer."""

    line: socket.socket | None = None
    end: threading.Timer | None = None

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        line = connected(host, port, timeout)
        # A second handle of the same connection: TLS takes the first one away.
        self.line = line.dup()
        self.end = threading.Timer(timeout, hang_up, [self.line])
        self.end.daemon = True
        self.end.start()
        return line

    def sendmail(self, *args: Any, **kwargs: Any) -> Any:
        """The refused recipients. To try again for them would tell the others twice."""
        refused = super().sendmail(*args, **kwargs)
        if refused:
            logger.warning("A mail server refused %d of the recipients of a channel and took the mail", len(refused))
        return refused

    def close(self) -> None:
        super().close()
        if self.end and self.line:
            self.end.cancel()
            self.line.close()


class CheckedTls(smtplib.SMTP_SSL, Checked):
    """TLS from the first byte on (RFC 8314)."""

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        try:
            return super()._get_socket(host, port, timeout)
        except OSError:
            self.close()
            raise


class Backend(smtp.EmailBackend):
    """Django's, over such a connection."""

    @property
    def connection_class(self) -> type[Checked]:
        return CheckedTls if self.use_ssl else Checked


def hang_up(line: socket.socket) -> None:
    with suppress(OSError):  # it has ended meanwhile
        line.shutdown(socket.SHUT_RDWR)


def connected(host: str, port: int, timeout: float) -> socket.socket:
    """Raises OSError when no address of the host answers; seconds."""
    found = addresses(host, port)
    for address in found:
        with suppress(OSError):
            line = socket.create_connection((address, port), timeout / len(found))
            line.settimeout(timeout)
            return line
    raise ConnectionError("none of its addresses")


def addresses(host: str, port: int) -> list[str]:
    """What the name leads to; raises Failed when one of them is not public."""
    lines = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    found = list(dict.fromkeys(str(line[4][0]) for line in lines))
    if not (is_allowed(host, port) or all(allowed_urls.is_public(ipaddress.ip_address(each)) for each in found)):
        raise Failed(_("Adres serwera poczty leży w sieci wewnętrznej"), final=True)
    return found


def is_allowed(host: str, port: int) -> bool:
    """Whether the operator lets channels speak to this host of the inner network."""
    name = f"[{host}]" if ":" in host else host
    return not {name, f"{name}:{port}"}.isdisjoint(settings.CHANNEL_ALLOWED_HOSTS)
