"""Listening sockets, bound before anything else starts, so that a taken port is one clear error."""

import errno
import socket
from pathlib import Path

_BACKLOG = 2048
_LISTEN_STATE = "0A"


class PortTaken(Exception):  # noqa: N818 - what happened, as the command line tells it
    """Another process listens on the port. `holder` is "command (pid n)", or None if the system does not
    tell."""

    def __init__(self, port: int, holder: str | None) -> None:
        super().__init__(f"port {port} is taken" + (f" by {holder}" if holder else ""))
        self.port = port
        self.holder = holder


def listen(host: str, port: int) -> socket.socket:
    """A listening TCP socket; port 0 takes a free one. Raises PortTaken, or OSError for an address that is
    not ours.

    It listens at once: with SO_REUSEADDR two sockets may be bound to one port as long as none of them
    listens.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise PortTaken(port, port_holder(port)) from None
        raise
    return listener


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
