"""Who calls: a merchant by its key, or the console, which alone may say for whom it acts."""

import hmac
from collections.abc import Mapping

from payrail.gateway.flows.gateway import Caller
from payrail.gateway.ports import Merchants
from payrail.runtime.card_numbers import find_card_number
from payrail.runtime.contract_app import OperationInfo
from payrail.runtime.problems import Problem

ROLES = ("viewer", "operator", "approver", "admin")
MERCHANT, ROLE, USER = "x-merchant-id", "x-role", "x-user-id"
_USER_ID_LENGTH_MAX = 128


class Directory:
    """Authenticates keys and authorizes callers for operations."""

    def __init__(self, merchants: Merchants, console_key: str) -> None:
        self._merchants = merchants
        self._console_key = console_key.encode()

    def authenticate(self, key: str, asserted: Mapping[str, str], operation: OperationInfo) -> Caller:
        """The caller, who has the role that the operation needs. Raises a Problem 400, 401 or 403."""
        caller = self._caller(key, asserted)
        needed = operation.extensions["x-required-role"]
        if ROLES.index(caller.role) < ROLES.index(needed):
            code = operation.extensions.get("x-role-refusal-code", "forbidden")
            raise _forbidden(f"This needs the role {needed}; the caller is {caller.role}.", code)
        return caller

    def _caller(self, key: str, asserted: Mapping[str, str]) -> Caller:
        if hmac.compare_digest(key.encode(), self._console_key):
            return self._asserted(asserted)
        holder = self._merchants.holder(key)
        if holder is None:
            raise Problem(
                401,
                "unauthorized",
                "The key is not valid",
                "No such key.",
                headers={"WWW-Authenticate": "Bearer"},
            )
        said = {MERCHANT: holder.merchant_id, ROLE: holder.role, USER: holder.user_id}
        if any(asserted.get(name, value) != value for name, value in said.items()):
            raise _forbidden("The identity headers contradict the key.")
        return Caller(holder.merchant_id, holder.user_id, holder.role)

    def _asserted(self, asserted: Mapping[str, str]) -> Caller:
        missing = [name for name in (MERCHANT, ROLE, USER) if not asserted.get(name)]
        if missing:
            raise _invalid_header(f"The console's key needs {', '.join(missing)}.")
        if asserted[ROLE] not in ROLES:
            raise _invalid_header(f"{ROLE} must be one of {', '.join(ROLES)}.")
        if len(asserted[USER]) > _USER_ID_LENGTH_MAX:
            raise _invalid_header(f"{USER} must have at most {_USER_ID_LENGTH_MAX} characters.")
        if find_card_number(asserted[USER]):
            raise Problem(
                422, "sensitive_data", "A card number stands where none may", f"{USER} holds a card number."
            )
        if asserted[MERCHANT] not in self._merchants:
            raise _forbidden("There is no such merchant.")
        return Caller(asserted[MERCHANT], asserted[USER], asserted[ROLE])


def _forbidden(detail: str, code: str = "forbidden") -> Problem:
    return Problem(403, code, "Not allowed", detail)


def _invalid_header(detail: str) -> Problem:
    return Problem(400, "invalid_header", "A header is not valid", detail)
