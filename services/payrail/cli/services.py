"""The services of the stack by name: in which order they start, and where they listen."""

import socket
from collections.abc import Container, Iterable, Mapping
from pathlib import Path

from payrail.runtime.listening import PortTaken, listen
from payrail.runtime.settings import Settings, reachable

GATEWAY = "gateway"
BEHIND_GATEWAY = ("vault", "provider-sim", "ledger-jobs")
SERVICES = (*BEHIND_GATEWAY, GATEWAY)  # The gateway starts last and ends first: it calls the others.

Sockets = Mapping[str, socket.socket]


class CannotListen(Exception):
    """A service cannot have its address; the message is one line for a person."""


def port_setting(service: str) -> str:
    """The name of the setting that holds the service's port."""
    return f"{service.replace('-', '_')}_port".upper()


def port_of(settings: Settings, service: str) -> int:
    port: int = getattr(settings, port_setting(service).lower())
    return port


def listen_all(
    settings: Settings, services: Iterable[str], *, several: Container[str] = ()
) -> dict[str, socket.socket]:
    """A listening socket for each service, or none at all: raises `CannotListen` naming port, service and holder.

    The socket of a service that `several` processes are going to serve may get siblings.
    """
    sockets: dict[str, socket.socket] = {}
    try:
        for service in services:
            port = port_of(settings, service)
            sockets[service] = _listen(settings.bind_host, port, service, beside_others=service in several)
    except BaseException:
        for opened in sockets.values():
            opened.close()
        raise
    return sockets


def _listen(host: str, port: int, service: str, *, beside_others: bool) -> socket.socket:
    try:
        return listen(host, port, beside_others=beside_others)
    except PortTaken as taken:
        by = f" by {taken.holder}" if taken.holder else ""
        hint = f"stop it, or set {port_setting(service)} to another port"
        raise CannotListen(f"port {port} for {service} is taken{by}: {hint}") from None
    except OSError as error:
        raise CannotListen(
            f"{service} cannot listen on {host} port {port}: {error.strerror or error}"
        ) from None


def local_address(listener: socket.socket) -> tuple[str, int]:
    """Host and port by which a process of this machine reaches the socket."""
    host, port = listener.getsockname()[:2]
    return reachable(host).strip("[]"), port


def local_url(listener: socket.socket) -> str:
    """The address of a service for a person on this machine."""
    host, port = listener.getsockname()[:2]
    return f"http://{reachable(host)}:{port}"


def log_path(data_dir: Path) -> Path:
    """Where the services of a data directory log to, unless they log to standard error."""
    return data_dir / "logs" / "payrail.log"
