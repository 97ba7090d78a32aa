"""Ports of 127.0.0.1 that are given to nobody else, although nobody listens there yet, or any more."""

import socket

_held: list[socket.socket] = []


def held_port() -> socket.socket:
    """A socket that has a port and does not listen; while it is open, connections to the port are refused.

    A server that asks for the port by its number, and reuses addresses as servers do, may listen there. Who asks for
    any port does not get it, be it a server or a client for its own end of a connection.
    """
    holder = socket.socket()
    holder.bind(("127.0.0.1", 0))
    # After the bind, which so takes no port that anybody has; from here on a server may have this one, too.
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return holder


def port_of(bound: socket.socket) -> int:
    """The port of a socket."""
    return int(bound.getsockname()[1])


def free_ports(number: int) -> list[int]:
    """Different ports that are held until this process ends."""
    held = [held_port() for _ in range(number)]
    _held.extend(held)
    return [port_of(one) for one in held]
