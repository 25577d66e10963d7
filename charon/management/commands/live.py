"""`manage.py live`: the process that sends server-sent events to clients."""

import logging
import socket
from typing import Any

import uvicorn
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from charon.api.addresses import STREAM
from charon.api.sse import Live
from charon.api.sse_hub import Hub
from charon.processes import listen_socket
from charon.processes.supervisor import stop_on_signal
from charon.startup_messages import said

logger = logging.getLogger(__name__)

# In seconds. A client that reads nothing delays the shutdown by no more: the process ends within 3 s.
GRACE = 1
# The kernel cuts off a client that takes nothing for so long; its buffers are full, and nothing else would end it.
MUTE_SECONDS = 30


class Server(uvicorn.Server):
    """uvicorn waits for open responses, which never end by themselves here: the hub closes them first."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        config = uvicorn.Config(
            Live(hub),
            lifespan="on",
            loop="asyncio",  # what is known of it under a thousand listeners was measured on this one
            ws="none",
            log_config=None,
            log_level="warning",
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=GRACE,
        )
        super().__init__(config)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.hub.close()
        await super().shutdown(sockets)


class Command(BaseCommand):
    help = "Send new rates, prices, signals and ended jobs to clients as server-sent events; needs Redis."

    def handle(self, *args: Any, **options: Any) -> None:
        with listening(settings.HOST, settings.LIVE_PORT) as sock, stop_on_signal() as stop:
            stop.interrupts = False  # uvicorn ends in order, and with code 0
            place = listen_socket.Place(sock.family, *sock.getsockname()[:2])
            self.announce(f"Charon live: {place.url.removesuffix('/')}{STREAM}")
            Server(Hub()).run(sockets=[sock])

    def announce(self, text: str) -> None:
        if settings.LOG_FORMAT == "json":
            logger.info(text)
        else:
            self.stdout.write(text)
            self.stdout.flush()


def listening(host: str, port: int) -> socket.socket:
    place = listen_socket.resolve(host, port)
    sock = socket.socket(place.family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # of Linux; accepted connections inherit it
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, MUTE_SECONDS * 1000)
    try:
        sock.bind((place.ip, place.port))
    except OSError as error:
        sock.close()
        raise CommandError(
            said("Port {} of {}: {}. Choose another with LIVE_PORT=...", port, host, said(str(error.strerror)))
        ) from None
    return sock
