"""What granian has no option for, set on its sockets: how long and how much a reader may leave unread.

The kernel hands the options of a listening socket on to every connection that it accepts.
"""

import os
import socket
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

# A reader that takes nothing for so long is cut off by the kernel, whose timer also runs while the reader's window is
# closed (tcp(7), TCP_USER_TIMEOUT). A window opens again for 64 kB at most: 3 kB a second is fast enough.
UNREAD_MILLISECONDS = 20_000
# By default the kernel takes 4 MB for a connection that nobody reads: 4 GB for a thousand of them.
SEND_BUFFER = 128 * 1024


def limit_slow_readers() -> None:
    for one in own_sockets():
        if one.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNREAD_MILLISECONDS)


def cut(client: str) -> None:
    """End the connection of a client (`address:port`), so that half an answer does not pass for a whole one."""
    for one in own_sockets():
        with suppress(OSError):
            address, port, *_ = one.getpeername()
            if client in (f"{address}:{port}", f"[{address}]:{port}"):
                one.shutdown(socket.SHUT_RDWR)


def own_sockets() -> Iterator[socket.socket]:
    """Every TCP socket of this process, as a copy that is closed behind the caller."""
    for file in list(Path("/proc/self/fd").iterdir()):
        with suppress(OSError):  # the folder was opened to be read, and is closed again
            if stat.S_ISSOCK(os.fstat(int(file.name)).st_mode):
                with socket.socket(fileno=os.dup(int(file.name))) as one:
                    if one.family in {socket.AF_INET, socket.AF_INET6}:
                        yield one
