"""What `payrail up` tells the person who started it, on standard output."""

import click

from payrail.cli.health import wait_until_healthy
from payrail.cli.services import GATEWAY, SERVICES, Sockets, local_address, local_url

_NAME_WIDTH = max(len(service) for service in SERVICES)


async def announce(sockets: Sockets, *, workers: int = 1) -> None:
    """One line for each service as soon as it answers `/health`, then how to go on. Raises `NotHealthy`."""
    for service, listener in sockets.items():
        await wait_until_healthy(service, *local_address(listener))
        url = local_url(listener)
        note = f"   {workers} workers" if service == GATEWAY and workers > 1 else ""
        click.echo(f"{service:<{_NAME_WIDTH}}  {url}   docs {url}/docs{note}")
    docs = f"{local_url(sockets[GATEWAY])}/docs"
    click.echo(
        f"Ready. First payment: see README.md, or try {docs} with your MERCHANT_API_KEY. Ctrl+C stops."
    )
