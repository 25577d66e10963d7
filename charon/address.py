"""Where the web process will listen: asked before anything starts, held until everything has ended."""

import errno
import socket

from django.core.management.base import CommandError

ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what the operator chose, as a place to visit


def reserve(host: str, port: int) -> socket.socket:
    """A socket bound to the address, which nobody can reach; CommandError when the address cannot be had.

    granian binds with SO_REUSEPORT, so a second server of the same user would share the port in silence. The first
    bind, without that option, refuses where anybody listens (SO_REUSEADDR lets connections in TIME_WAIT pass); the
    second, with it, leaves room for our own granian and fails the first bind of whoever starts next.
    """
    family, ip = resolve(host, port)
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bind(probe, host, ip, port)
    held = socket.socket(family, socket.SOCK_STREAM)
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    bind(held, host, ip, port)
    return held


def resolve(host: str, port: int) -> tuple[socket.AddressFamily, str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError:
        raise CommandError(f"HOST {host} is not an address of this machine.") from None
    family, _, _, _, address = found[0]
    return family, str(address[0])


def bind(sock: socket.socket, host: str, ip: str, port: int) -> None:
    try:
        sock.bind((ip, port))
    except OSError as error:
        sock.close()
        reasons = {
            errno.EADDRINUSE: f"Port {port} of {host} is taken; choose another with PORT=...",
            errno.EADDRNOTAVAIL: f"HOST {host} is not an address of this machine.",
            errno.EACCES: f"Port {port} needs more rights than you have; choose one above 1023 with PORT=...",
        }
        raise CommandError(reasons.get(error.errno or 0, f"Cannot listen on {host}, port {port}: {error}")) from None


def ip_of(held: socket.socket) -> str:
    return str(held.getsockname()[0])


def url(held: socket.socket) -> str:
    """Where a browser on this machine finds it."""
    ip, port = visit(held)
    return f"http://[{ip}]:{port}/" if ":" in ip else f"http://{ip}:{port}/"


def visit(held: socket.socket) -> tuple[str, int]:
    ip, port = held.getsockname()[:2]
    return ANY.get(ip, ip), port


def answers(held: socket.socket) -> bool:
    """Whether somebody listens there now."""
    with socket.socket(held.family, socket.SOCK_STREAM) as caller:
        caller.settimeout(0.2)
        return caller.connect_ex(visit(held)) == 0
