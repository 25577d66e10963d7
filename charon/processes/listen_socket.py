"""The address of the web process: checked before the children start, reserved until they have ended."""

import errno
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from django.core.management.base import CommandError

from charon.startup_messages import said

# "Every address" as an operator writes it, and the address that a browser on this machine can open instead.
EVERY = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # nosec B104


@dataclass(frozen=True)
class Place:
    family: socket.AddressFamily
    ip: str
    port: int

    @property
    def callable_ip(self) -> str:
        return EVERY.get(self.ip, self.ip)

    @property
    def url(self) -> str:
        ip = self.callable_ip
        return f"http://[{ip}]:{self.port}/" if ":" in ip else f"http://{ip}:{self.port}/"

    def answers(self) -> bool:
        """Whether a process accepts connections there now."""
        with socket.socket(self.family, socket.SOCK_STREAM) as caller:
            caller.settimeout(0.2)
            return caller.connect_ex((self.callable_ip, self.port)) == 0


@contextmanager
def reserve(host: str, port: int) -> Iterator[Place]:
    """Reserve the address while the block runs; raises CommandError when it cannot be used.

    granian binds with SO_REUSEPORT, so a second server of the same user would share the port without an error. The
    first bind here, without that option, fails if any process listens (SO_REUSEADDR ignores connections in TIME_WAIT).
    The second bind, with SO_REUSEPORT, lets our own granian bind and makes the first bind of another Charon fail; it is
    left out while connections of another program are in TIME_WAIT.
    """
    place = check_free(host, port, "PORT")
    with socket.socket(place.family, socket.SOCK_STREAM) as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        with suppress(OSError):
            held.bind((place.ip, place.port))
        yield place


def check_free(host: str, port: int, variable: str) -> Place:
    """Raises CommandError, which names the variable, when another program listens there or nobody may."""
    place = resolve(host, port)
    with socket.socket(place.family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((place.ip, place.port))
        except OSError as error:
            raise CommandError(refusal(error, host, port, variable)) from None
    return place


def resolve(host: str, port: int) -> Place:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError:
        raise CommandError(said("HOST {} is not an address of this machine.", host)) from None
    family, _, _, _, address = found[0]
    return Place(family, str(address[0]), port)


def refusal(error: OSError, host: str, port: int, variable: str) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return said("Port {} of {} is taken; choose another with {}=...", port, host, variable)
        case errno.EADDRNOTAVAIL:
            return said("HOST {} is not an address of this machine.", host)
        case errno.EACCES:
            return said("Port {} needs more rights than you have; choose one above 1023 with {}=...", port, variable)
    return said("Cannot listen on {}, port {}: {}.", host, port, said(str(error.strerror)))
