"""The ledger jobs as an ASGI app."""

from collections.abc import Mapping
from importlib.metadata import version
from importlib.resources import files

import orjson

from payrail.ledger_jobs.handlers import SERVICE, Handlers
from payrail.runtime.clock import Clock
from payrail.runtime.contract_app import ContractApp, build_contract_app
from payrail.runtime.internal_keys import InternalKeys
from payrail.runtime.logs import LogWriter
from payrail.runtime.problems import ErrorTable


def build(*, clock: Clock, internal_keys: Mapping[str, str], log: LogWriter | None = None) -> ContractApp:
    """The service of the background jobs; ``internal_keys`` is the key of each caller by its name."""
    handlers = Handlers(clock=clock, version=version("payrail"))
    return build_contract_app(
        service=SERVICE,
        contract=orjson.loads(files("payrail.contracts").joinpath(f"{SERVICE}.json").read_bytes()),
        handlers=handlers.table(),
        authenticate={"InternalKey": InternalKeys(internal_keys)},
        errors=ErrorTable({}),
        log=log,
    )
