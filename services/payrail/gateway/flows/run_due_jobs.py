"""Have the ledger jobs do what fell due, when the clock was moved."""

import logging
from datetime import datetime

from payrail.gateway.flows.gateway import Gateway
from payrail.gateway.job_ports import JobsUnavailable

logger = logging.getLogger(__name__)


async def run_due_jobs(gateway: Gateway) -> datetime | None:
    """Return when all work of the jobs that is due was done, with when they try a webhook again.

    Jobs that do not answer do theirs later.
    """
    try:
        return await gateway.jobs.run_due(gateway.new_id("cor"))
    except JobsUnavailable:
        logger.warning("the ledger jobs did not do what fell due; they will by themselves")
        return None
