"""Listening sockets, bound before anything else starts, so that a taken port is one clear error."""

import errno
import socket
import sys
from pathlib import Path

_BACKLOG = 2048
_LISTEN_STATE = "0A"
# Where the kernel spreads connections over all sockets of a port; elsewhere the last one gets them all.
_SPREADS = sys.platform == "linux"


class PortTaken(Exception):
    """Another process listens on the port. `holder` is "command (pid n)", or None if the system does not
    tell."""

    def __init__(self, port: int, holder: str | None) -> None:
        super().__init__(f"port {port} is taken" + (f" by {holder}" if holder else ""))
        self.port = port
        self.holder = holder


def listen(host: str, port: int, *, beside_others: bool = False) -> socket.socket:
    """A listening TCP socket; port 0 takes a free one. Raises PortTaken, or OSError for an address that is
    not ours.

    It listens at once: with SO_REUSEADDR two sockets may be bound to one port as long as none of them
    listens. With `beside_others` it may get siblings by `another`.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        if beside_others and _SPREADS:
            # After the bind, which so fails where anybody else has the port, and before the socket listens.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.listen(_BACKLOG)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise PortTaken(port, port_holder(port)) from None
        raise
    return listener


def another(listener: socket.socket) -> socket.socket:
    """One more socket at the address of a `listener` that was made to stand beside others.

    The kernel spreads new connections evenly over all of them. From one socket that several processes wait at, the one
    that happens to be awake takes them all. Where the kernel does not spread, it is the same socket again.
    """
    if not _SPREADS:
        return listener.dup()
    sibling = socket.socket(listener.family, socket.SOCK_STREAM)
    try:
        sibling.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sibling.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sibling.bind(listener.getsockname())
        sibling.listen(_BACKLOG)
        sibling.setblocking(False)
    except OSError:
        sibling.close()
        raise
    return sibling


def inherited(fd: int) -> socket.socket:
    """The listening socket that a parent process passed on as file descriptor `fd`, so that siblings share
    it."""
    listener = socket.socket(fileno=fd)
    listener.setblocking(False)
    return listener


def port_holder(port: int) -> str | None:
    """Who listens on `port`, as "command (pid n)", from /proc; None where it does not tell."""
    inodes = _listening_inodes(port)
    if not inodes:
        return None
    for process in Path("/proc").glob("[0-9]*"):
        if _holds(process, inodes):
            try:
                command = (process / "comm").read_text().strip()
            except OSError:
                continue
            return f"{command} (pid {process.name})"
    return None


def _listening_inodes(port: int) -> set[str]:
    inodes = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            lines = Path(table).read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            _, local, _, state, *rest = line.split()
            if state == _LISTEN_STATE and int(local.rpartition(":")[2], 16) == port:
                inodes.add(f"socket:[{rest[5]}]")
    return inodes


def _holds(process: Path, sockets: set[str]) -> bool:
    try:
        return any(_link(entry) in sockets for entry in (process / "fd").iterdir())
    except OSError:
        return False


def _link(entry: Path) -> str:
    try:
        return str(entry.readlink())
    except OSError:
        return ""
