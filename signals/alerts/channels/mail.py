"""Mail through an SMTP server (RFC 5321), one for all recipients.

Each try sends the same bytes with the same Message-ID, by which mailboxes leave a second copy out; an alert and its end
refer to one thread (RFC 5322, 3.6.4). What a server answers is not repeated: it names users and addresses.
"""

import re
import smtplib
import ssl
from contextlib import suppress
from email.utils import format_datetime, parseaddr
from uuid import NAMESPACE_OID, uuid5

from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.core.validators import validate_email
from django.utils.encoding import punycode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from markets.network import allowed_urls
from signals.alerts.channels import smtp
from signals.alerts.channels.channel import (
    SECONDS,
    Config,
    Failed,
    Field,
    Kind,
    Message,
    misconfigured,
    missing,
    value,
)

# The port where the form names none: RFC 6409, RFC 8314, RFC 5321.
PORTS = {"starttls": 587, "tls": 465, "none": 25}
FIELDS = (
    Field("host", gettext_lazy("Serwer SMTP"), place=True),
    Field(
        "port",
        gettext_lazy("Port"),
        required=False,
        help=gettext_lazy("Domyślnie 587, z TLS 465, bez szyfrowania 25"),
        place=True,
    ),
    Field(
        "security",
        gettext_lazy("Szyfrowanie"),
        required=False,
        place=True,
        help=gettext_lazy("Domyślnie STARTTLS; bez szyfrowania nie wysyła się hasła"),
        choices=(("starttls", "STARTTLS"), ("tls", "TLS"), ("none", gettext_lazy("brak"))),
    ),
    Field("user", gettext_lazy("Użytkownik"), required=False),
    Field("password", gettext_lazy("Hasło"), secret=True, required=False),
    Field("sender", gettext_lazy("Nadawca")),
    Field("recipients", gettext_lazy("Odbiorcy"), help=gettext_lazy("Adresy oddzielone przecinkami")),
)


def check(config: Config) -> dict[str, str]:
    found = {
        "host": fault_of_host(config),
        "port": "" if port(config) else _("To nie jest numer portu"),
        "security": "" if security(config) in PORTS else _("Nie ma takiego szyfrowania"),
        "password": fault_of_password(config),
        "sender": fault_of([sender(config)]),
        "recipients": fault_of(recipients(config)),
    }
    return {name: fault for name, fault in found.items() if fault} | missing(FIELDS, config)


def fault_of_host(config: Config) -> str:
    name = host(config)
    if smtp.is_allowed(name, port(config)):
        return ""
    fault = allowed_urls.of_host(name) if name.isascii() else allowed_urls.Fault.NO_HOST
    if fault == allowed_urls.Fault.NO_HOST:
        return _("To nie jest nazwa serwera")
    return _("To serwer w sieci wewnętrznej, a nie publiczny") if fault else ""


def fault_of_password(config: Config) -> str:
    if bool(value(config, "user")) != bool(value(config, "password")):
        return _("Użytkownika i hasło podaje się razem")
    return _("Hasło wymaga szyfrowania") if value(config, "password") and security(config) == "none" else ""


def fault_of(addresses: list[str]) -> str:
    try:
        for address in addresses:
            validate_email(address)
    except ValidationError:
        return _("To nie jest adres e-mail")
    return ""


def host(config: Config) -> str:
    return value(config, "host").lower().removesuffix(".")


def security(config: Config) -> str:
    return value(config, "security") or "starttls"


def port(config: Config) -> int:
    """0 for what is none."""
    text = value(config, "port") or str(PORTS.get(security(config), 25))
    return int(text) if re.fullmatch(r"[1-9][0-9]{0,4}", text) and int(text) < 65536 else 0


def recipients(config: Config) -> list[str]:
    return re.findall(r"[^\s,;]+", value(config, "recipients"))


def sender(config: Config) -> str:
    """The address alone, of `Charon <alerts@example.org>`; nothing where a line break would begin another header."""
    text = value(config, "sender")
    return parseaddr(text)[1] if text.isprintable() else ""


def target(config: Config) -> str:
    """`a…@example.org +2`: enough to tell two channels apart, and no address."""
    first, *others = recipients(config) or [""]
    local, _at, domain = first.rpartition("@")
    return f"{local[:1]}…@{domain}" + (f" +{len(others)}" if others else "")


def send(config: Config, message: Message) -> int:
    """Raises Failed; final where the server refuses for good (5yz of RFC 5321, 4.2.1)."""
    if check(config):
        raise misconfigured()
    backend = backend_of(config)
    try:
        backend.send_messages([mail(config, message)])
    except (smtplib.SMTPException, OSError, ValueError) as error:
        raise failure(error) from None
    finally:
        with suppress(smtplib.SMTPException, OSError):
            backend.close()
    return 0


def backend_of(config: Config) -> smtp.Backend:
    return smtp.Backend(
        host=host(config),
        port=port(config),
        username=value(config, "user"),
        password=value(config, "password"),
        use_tls=security(config) == "starttls",
        use_ssl=security(config) == "tls",
        timeout=SECONDS,
    )


def mail(config: Config, message: Message) -> EmailMessage:
    domain = punycode(sender(config).rpartition("@")[2])
    headers = {
        "Message-ID": f"<{message.key}@{domain}>",
        "Date": format_datetime(message.at),
        "Auto-Submitted": "auto-generated",  # no answer from people who are away (RFC 3834)
    }
    if message.incident:
        thread = f"<{uuid5(NAMESPACE_OID, message.incident)}@{domain}>"
        headers |= {"In-Reply-To": thread, "References": thread}
    if message.critical:
        headers["Importance"] = "high"
    return EmailMessage(
        subject=" ".join(message.title.splitlines()),
        body="\n\n".join(filter(None, (message.text, message.link))),
        from_email=value(config, "sender"),
        to=recipients(config),
        headers=headers,
    )


def failure(error: Exception) -> Failed:
    if codes := codes_of(error):
        words = _("Serwer poczty odmówił (%(codes)s)") % {"codes": ", ".join(map(str, codes))}
        return Failed(words, final=codes[0] >= 500)
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return Failed(_("Serwer poczty nie oferuje szyfrowania lub logowania, którego wymaga kanał"))
    if isinstance(error, ssl.SSLCertVerificationError):
        return Failed(_("Certyfikat serwera poczty jest nieważny lub należy do innej nazwy"))
    if isinstance(error, ValueError):
        return misconfigured()
    return Failed(_("Serwer poczty nie odpowiada"))


def codes_of(error: Exception) -> list[int]:
    """The codes of the refusal, the lowest first; smtplib answers -1 for a server of another protocol: no refusal."""
    found: set[int] = set()
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        found = {code for code, _text in error.recipients.values()}
    elif isinstance(error, smtplib.SMTPResponseException):
        found = {error.smtp_code}
    return sorted(code for code in found if 400 <= code < 600)


KIND = Kind("mail", gettext_lazy("E-mail"), FIELDS, check, target, send)
