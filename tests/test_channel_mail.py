"""Mail: what arrives at the server, what is tried again, and what nobody learns from a failure."""

import logging
import socket
import ssl
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.core.mail.utils import DNS_NAME

from signals.alerts.channels import channel, mail
from signals.alerts.channels.channel import Failed, Message
from tests import smtp_fake

SECRET, USER, NAME = "planted-password", "planted.user", "smtp.example.org"
AT = datetime(2026, 11, 20, 11, 30, tzinfo=UTC)
MESSAGE = Message(
    key="5e0f1a5e-3c0a-5a51-9f36-0d4e8f5a2b11",
    type="alert.fired",
    title="Zażółć:\r\nBcc: obcy@example.net",
    text="Kurs wzrósł o 5,2% w 10 minut — gęślą jaźń.",
    incident="rule-7:BTC",
    at=AT,
    link="https://charon.example/alerty/1",
)


@pytest.fixture
def server(
    outgoing: set[tuple[str, int]], settings: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[smtp_fake.Server]:
    """A server on this machine, which the operator allows."""
    monkeypatch.setattr(DNS_NAME, "_fqdn", "charon.example", raising=False)
    with smtp_fake.serve() as server:
        outgoing.add(("127.0.0.1", server.port))
        settings.CHANNEL_ALLOWED_HOSTS = [f"127.0.0.1:{server.port}", f"{NAME}:{server.port}"]
        yield server


def config(server: smtp_fake.Server, **changes: str) -> dict[str, str]:
    return {
        "host": "127.0.0.1", "port": str(server.port), "security": "none",
        "sender": "Charon <alerty@example.pl>", "recipients": "a.nowak@example.com, b@example.com",
    } | changes  # fmt: skip


def failure(config: dict[str, str]) -> Failed:
    with pytest.raises(Failed) as caught:
        mail.send(config, MESSAGE)
    told = caught.value
    assert told.__suppress_context__ or told.__context__ is None, "a traceback would show what the server said"
    shown = str(told)
    assert not any(word in shown for word in (SECRET, USER, NAME, "127.0.0.1", "example", "nowak", config["port"]))
    return told


def test_a_mail_arrives_with_its_polish_letters(server: smtp_fake.Server) -> None:
    assert mail.send(config(server), MESSAGE) == 0
    [taken] = server.mails
    assert taken.get_content().replace("\r\n", "\n").strip() == f"{MESSAGE.text}\n\n{MESSAGE.link}"
    assert taken["Subject"] == "Zażółć: Bcc: obcy@example.net", "a title with a line break adds no header"
    assert taken["Bcc"] is None
    assert (taken["From"], taken["To"]) == ("Charon <alerty@example.pl>", "a.nowak@example.com, b@example.com")
    assert taken["Auto-Submitted"] == "auto-generated"
    assert parsedate_to_datetime(taken["Date"]) == AT
    assert [line for line in server.commands if line.lower().startswith(("mail", "rcpt"))] == [
        "mail FROM:<alerty@example.pl>", "rcpt TO:<a.nowak@example.com>", "rcpt TO:<b@example.com>",
    ]  # fmt: skip


def test_each_try_is_the_same_mail_and_the_end_is_in_the_thread_of_its_alert(server: smtp_fake.Server) -> None:
    ended = MESSAGE._replace(key="end", title="Ustąpił", at=AT + timedelta(minutes=5))
    for message in (MESSAGE, MESSAGE, ended, MESSAGE._replace(key="other", incident="rule-8:BTC")):
        mail.send(config(server), message)
    first, again, end, other = server.mails
    assert first.as_bytes() == again.as_bytes()
    assert first["Message-ID"] == f"<{MESSAGE.key}@example.pl>"
    assert end["Message-ID"] == "<end@example.pl>"
    assert first["References"] == first["In-Reply-To"] == end["References"] == end["In-Reply-To"]
    assert other["References"] != first["References"]


def test_a_message_without_an_incident_is_in_no_thread_and_an_urgent_one_says_so(server: smtp_fake.Server) -> None:
    mail.send(config(server), MESSAGE._replace(incident="", critical=True))
    [taken] = server.mails
    assert (taken["References"], taken["Importance"]) == (None, "high")


@pytest.mark.parametrize(
    ("answers", "final", "said"),
    [
        ({"RCPT": "451 greylisted, a.nowak@example.com"}, False, "451"),
        ({"RCPT": "550 no a.nowak@example.com here"}, True, "550"),
        ({"rcpt TO:<b@example.com>": "450 later", "RCPT": "550 never"}, False, "450, 550"),
        ({"MAIL": "553 planted.user must not send"}, True, "553"),
        ({"DATA": "421 127.0.0.1 closing"}, False, "421"),
        ({"END": "452 full"}, False, "452"),
        ({"END": "554 planted-password is spam"}, True, "554"),
    ],
)
def test_a_refusal_for_now_is_tried_again_and_one_for_good_is_not(
    server: smtp_fake.Server, answers: dict[str, str], final: bool, said: str
) -> None:
    server.answers = answers
    failed = failure(config(server))
    assert (failed.final, failed.status) == (final, 0)
    assert f"({said})" in str(failed)


def test_a_mail_that_one_of_two_recipients_gets_is_sent_and_the_log_counts_the_other(
    server: smtp_fake.Server, caplog: pytest.LogCaptureFixture
) -> None:
    server.answers = {"rcpt TO:<b@example.com>": "550 no b@example.com"}
    assert mail.send(config(server), MESSAGE) == 0
    assert len(server.mails) == 1
    assert "refused 1 of the recipients" in caplog.text
    assert "example" not in caplog.text


@pytest.mark.parametrize("how", ["silent", "drips"])
def test_a_server_that_hangs_ends_with_the_time_of_the_try(
    server: smtp_fake.Server, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """A dripping greeting would take two seconds, and each of its bytes begins the timeout of the socket anew."""
    monkeypatch.setattr(mail, "SECONDS", 0.1)
    setattr(server, how, True)
    failed = failure(config(server))
    assert not failed.final
    assert "nie odpowiada" in str(failed)
    assert server.commands == []


def test_a_port_where_nobody_listens_and_one_of_another_protocol_sound_alike(
    server: smtp_fake.Server, outgoing: set[tuple[str, int]], settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        free = closed.getsockname()[1]
    outgoing.add(("127.0.0.1", free))
    settings.CHANNEL_ALLOWED_HOSTS += [f"127.0.0.1:{free}"]
    away = failure(config(server, port=str(free)))
    monkeypatch.setattr(smtp_fake.Session, "say", lambda self, _: self.wfile.write(b"SSH-2.0-OpenSSH\r\n"))
    assert str(failure(config(server))) == str(away)


def test_a_server_without_starttls_is_given_nothing_in_plain(server: smtp_fake.Server) -> None:
    server.answers = {"EHLO": "250-fake\r\n250 AUTH PLAIN LOGIN"}
    failed = failure(config(server, security="starttls", user=USER, password=SECRET))
    assert "szyfrowania" in str(failed)
    assert {line[:4].upper() for line in server.commands} <= {"EHLO", "QUIT"}
    assert server.mails == []


# TLS


@pytest.fixture
def certified(server: smtp_fake.Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """`certified(name)`: the server has a certificate of that name, which this process trusts."""

    def certify(name: str) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        begins = datetime.now(UTC) - timedelta(days=1)
        made = (
            x509.CertificateBuilder(subject, subject, key.public_key(), 1, begins, begins + timedelta(days=9))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        pem, kept = serialization.Encoding.PEM, tmp_path / "key.pem"
        (tmp_path / "cert.pem").write_bytes(made.public_bytes(pem))
        plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        kept.write_bytes(key.private_bytes(pem, *plain))
        server.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.tls.load_cert_chain(tmp_path / "cert.pem", kept)
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))

    return certify


@pytest.fixture
def resolves(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """`resolves(address, …)`: where every name leads; returns the names that were looked up."""
    literal = socket.getaddrinfo

    def script(*found: str) -> list[str]:
        names: list[str] = []

        def look_up(host: str, port: int, *args: Any, **how: Any) -> Any:
            if host in found:
                return literal(host, port, *args, **how)
            names.append(host)
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

        monkeypatch.setattr(socket, "getaddrinfo", look_up)
        return names

    return script


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_the_connection_goes_to_the_address_that_was_found_and_tls_asks_for_the_name(
    server: smtp_fake.Server, certified: Callable[[str], None], resolves: Callable[..., list[str]], security: str
) -> None:
    certified(NAME)
    server.at_once = security == "tls"
    server.answers = {"AUTH": "235 welcome"}
    names = resolves("127.0.0.1")
    assert mail.send(config(server, host="SMTP.Example.org.", security=security), MESSAGE) == 0
    assert names == [NAME], "a second look-up may be answered otherwise"
    assert len(server.mails) == 1


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_certificate_of_another_name_is_given_nothing(
    server: smtp_fake.Server, certified: Callable[[str], None], resolves: Callable[..., list[str]], security: str
) -> None:
    certified("other.example.org")
    server.at_once = security == "tls"
    resolves("127.0.0.1")
    failed = failure(config(server, host=NAME, security=security, user=USER, password=SECRET))
    assert "Certyfikat" in str(failed)
    assert not any("AUTH" in line or "MAIL" in line.upper() for line in server.commands)


# Inner networks


@pytest.mark.parametrize("found", [["127.0.0.1"], ["9.9.9.9", "10.0.0.1"], ["169.254.169.254"], ["64:ff9b::a00:1"]])
def test_a_name_that_leads_inside_is_refused_before_anything_is_connected(
    server: smtp_fake.Server, resolves: Callable[..., list[str]], settings: Any, found: list[str]
) -> None:
    settings.CHANNEL_ALLOWED_HOSTS = []
    resolves(*found)
    failed = failure(config(server, host=NAME))
    assert failed.final
    assert "sieci wewnętrznej" in str(failed)
    assert server.commands == []


def test_each_address_of_the_name_is_tried(
    server: smtp_fake.Server, resolves: Callable[..., list[str]], outgoing: set[tuple[str, int]]
) -> None:
    outgoing.add(("127.0.0.2", server.port))
    resolves("127.0.0.2", "127.0.0.1")
    assert mail.send(config(server, host=NAME), MESSAGE) == 0


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "::1", "10.0.0.7", "localhost", "mail.lan", "2130706433"])
def test_the_form_refuses_a_host_of_an_inner_network_until_the_operator_allows_it(settings: Any, host: str) -> None:
    form = {"host": host, "sender": "a@example.pl", "recipients": "b@example.pl"}
    settings.CHANNEL_ALLOWED_HOSTS = []
    assert list(mail.check(form)) == ["host"]
    name = f"[{host}]" if ":" in host else host
    for allowed in (name, f"{name}:587"):
        settings.CHANNEL_ALLOWED_HOSTS = [allowed]
        assert mail.check(form) == {}
    settings.CHANNEL_ALLOWED_HOSTS = [f"{name}:2525"]
    assert list(mail.check(form)) == ["host"]


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"host": "smtp example"}, "host"), ({"port": "0"}, "port"), ({"port": "65536"}, "port"),
        ({"port": "x"}, "port"), ({"security": "ssl"}, "security"), ({"user": "a"}, "password"),
        ({"password": "b"}, "password"), ({"user": "a", "password": "b", "security": "none"}, "password"),
        ({"sender": "Charon"}, "sender"),
        ({"sender": "a@example.pl\nBcc: x@example.pl"}, "sender"), ({"recipients": "b@example.pl, c"}, "recipients"),
        ({"recipients": " "}, "recipients"),
    ],
)  # fmt: skip
def test_what_cannot_work_is_said_at_its_field(changes: dict[str, str], wrong: str) -> None:
    form = {"host": "smtp.example.org", "sender": "a@example.pl", "recipients": "b@example.pl"}
    assert mail.check(form) == {}
    assert list(mail.check(form | changes)) == [wrong]


def test_of_a_channel_the_domain_is_shown_and_no_address() -> None:
    form = {"recipients": "a.nowak@example.com; b@example.com c@example.com"}
    assert mail.target(form) == "a…@example.com +2"


def test_the_time_of_a_try_is_that_of_every_channel() -> None:
    assert mail.backend_of({"host": NAME}).timeout == channel.SECONDS


@pytest.fixture(autouse=True)
def nothing_private_in_the_log(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    caplog.set_level(logging.DEBUG)
    yield
    assert SECRET not in caplog.text
