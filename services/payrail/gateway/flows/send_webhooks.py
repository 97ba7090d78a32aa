"""Have the providers tell what they still owe, when the clock was moved."""

import logging
from datetime import datetime

from payrail.gateway.flows.gateway import Gateway
from payrail.gateway.ports import ProviderUnreachable

logger = logging.getLogger(__name__)


async def send_webhooks(gateway: Gateway) -> datetime | None:
    """Return when all webhooks that are due were sent, with when the next one is.

    Providers that do not answer send theirs later.
    """
    try:
        return await gateway.provider_controls.deliver_webhooks(gateway.new_id("cor"))
    except ProviderUnreachable:
        logger.warning("the providers did not send the webhooks that fell due; they will by themselves")
        return None
