"""`payrail` with one flaw, to prove that the contract tests find it: PAYRAIL_FLAW=OPERATION:FIELD

The handler of the operation leaves the field out of its good answers.
"""

import os
from collections.abc import Mapping
from typing import Any

import msgspec

from payrail.runtime import contract_app
from payrail.runtime.contract.calls import Answer, Call, Handler
from payrail.runtime.contract.document import ContractAPI


def without(field: str, handler: Handler) -> Handler:
    """The handler with an answer that lacks the field."""

    async def handle(call: Call) -> Answer:
        answer = await handler(call)
        whole = msgspec.json.decode(answer.body) if isinstance(answer.body, bytes) else answer.body
        body: dict[str, Any] = msgspec.to_builtins(whole)
        del body[field]
        return Answer(answer.status, body, answer.headers, answer.media_type)

    return handle


def flaw_handlers(flaw: str) -> None:
    """From now on, every app is built with the flaw in the handler of that name."""
    operation, _, field = flaw.partition(":")

    def flawed_api(document: Any, *, handlers: Mapping[str, Handler], **rest: Any) -> Any:
        if operation in handlers:
            handlers = {**handlers, operation: without(field, handlers[operation])}
        return ContractAPI(document, handlers=handlers, **rest)

    setattr(contract_app, "ContractAPI", flawed_api)  # noqa: B010 - to a type checker it is a class, and no function


if __name__ == "__main__":
    flaw_handlers(os.environ["PAYRAIL_FLAW"])
    from payrail.cli.main import main

    main()
