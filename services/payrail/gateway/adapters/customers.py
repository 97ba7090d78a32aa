"""Customers on disk: `data/customers/customers.json` and its log, shared by all processes of a data directory."""

from collections.abc import Callable
from pathlib import Path

import msgspec

from payrail.gateway.domain.customers import Customer, CustomerNotFound
from payrail.runtime.shared_store import SharedStore
from payrail.runtime.stored_items import Change, Record


class CustomersFile:
    """`Customers` on a shared store."""

    def __init__(self, path: Path) -> None:
        self._store = SharedStore(path, name="customers")

    def find(self, merchant_id: str, customer_id: str) -> Customer:
        record = self._store.get(customer_id)
        if record is None or record["merchant_id"] != merchant_id:
            raise CustomerNotFound
        return _customer(record)

    def of(self, merchant_id: str) -> list[Customer]:
        return [
            _customer(record) for _, record in self._store.items() if record["merchant_id"] == merchant_id
        ]

    async def add(self, customer: Customer) -> Customer:
        def decide() -> Change | None:
            known = self._store.get(customer.id)
            return None if known else Change({customer.id: msgspec.to_builtins(customer)})

        await self._store.change(decide)
        return self.find(customer.merchant_id, customer.id)

    async def change(
        self, merchant_id: str, customer_id: str, evolve: Callable[[Customer], Customer]
    ) -> Customer:
        changed: list[Customer] = []

        def decide() -> Change:
            changed.append(evolve(self.find(merchant_id, customer_id)))
            return Change({customer_id: msgspec.to_builtins(changed[0])})

        await self._store.change(decide)
        return changed[0]

    def close(self) -> None:
        """Release the files."""
        self._store.close()


def _customer(record: Record) -> Customer:
    return msgspec.convert(record, Customer)
