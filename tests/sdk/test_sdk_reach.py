"""The hand-written layer reaches every operation of the contract: nothing is left to be called by hand."""

from datetime import date

import pytest
from contract_answers import CONTRACT
from misbehaving_server import Script, answer
from sdk_callers import Caller

IDS = {
    "payment_id": "pay_1",
    "refund_id": "ref_1",
    "dispute_id": "dsp_1",
    "customer_id": "cus_1",
    "event_id": "evt_1",
    "provider_id": "providerA",
    "date": "2026-03-02",
    "break_id": "brk_1",
    "endpoint_id": "whe_1",
    "dead_letter_id": "dlq_1",
}
DAY = date(2026, 3, 2)

#: Each operation, called once with as little as it takes.
CALLS = [
    lambda client: client.payments.create(amount=1, currency="EUR", payment_method={"token": "tok_1"}),
    lambda client: client.payments.get("pay_1"),
    lambda client: client.payments.authorize("pay_1"),
    lambda client: client.payments.capture("pay_1"),
    lambda client: client.payments.cancel("pay_1"),
    lambda client: client.payments.list().first_page(),
    lambda client: client.payments.ledger("pay_1").first_page(),
    lambda client: client.webhook_endpoints.create(url="https://shop.example.com/hooks"),
    lambda client: client.webhook_endpoints.get("whe_1"),
    lambda client: client.webhook_endpoints.list().first_page(),
    lambda client: client.webhook_endpoints.enable("whe_1"),
    lambda client: client.webhook_endpoints.delete("whe_1"),
    lambda client: client.dead_letters.list().first_page(),
    lambda client: client.dead_letters.get("dlq_1"),
    lambda client: client.dead_letters.redrive("dlq_1"),
    lambda client: client.dead_letters.redrive_all(),
    lambda client: client.events.redeliver("evt_1"),
    lambda client: client.events.deliveries("evt_1"),
    lambda client: client.providers.list(),
    lambda client: client.providers.inject_failure("providerA", "error", remaining=1),
    lambda client: client.providers.clear_failures("providerA"),
    lambda client: client.provider_webhooks.unmatched().first_page(),
    lambda client: client.routing.rules(),
    lambda client: client.routing.explain(amount=1, currency="EUR"),
    lambda client: client.refunds.request(payment_id="pay_1", reason="x"),
    lambda client: client.refunds.get("ref_1"),
    lambda client: client.refunds.approve("ref_1"),
    lambda client: client.refunds.reject("ref_1"),
    lambda client: client.refunds.list(state="APPROVED").first_page(),
    lambda client: client.disputes.open(payment_id="pay_1", reason="x"),
    lambda client: client.disputes.get("dsp_1"),
    lambda client: client.disputes.submit_evidence("dsp_1", kind="receipt", text="x"),
    lambda client: client.disputes.resolve("dsp_1", "LOST"),
    lambda client: client.disputes.list().first_page(),
    lambda client: client.balances(at=5),
    lambda client: client.summary(),
    lambda client: client.settlements.list().first_page(),
    lambda client: client.settlements.get(DAY),
    lambda client: client.settlements.rows(DAY).first_page(),
    lambda client: client.settlements.csv(DAY),
    lambda client: client.settlements.generate(DAY),
    lambda client: client.reconciliations.list().first_page(),
    lambda client: client.reconciliations.get(DAY),
    lambda client: client.reconciliations.breaks(DAY, state="open").first_page(),
    lambda client: client.reconciliations.run(DAY),
    lambda client: client.reconciliations.resolve_break(DAY, "brk_1", "closed", reason="x"),
    lambda client: client.events.get("evt_1"),
    lambda client: client.events.list(event_type="payment.captured").first_page(),
    lambda client: client.customers.create(name="Ada"),
    lambda client: client.customers.get("cus_1"),
    lambda client: client.customers.list(q="Ada").first_page(),
    lambda client: client.customers.save_payment_method("cus_1", {"token": "tok_1"}),
    lambda client: client.audit.list(actor="ada", of_correlation="x").first_page(),
    lambda client: client.audit.of_payment("pay_1").first_page(),
    lambda client: client.audit.export(),
    lambda client: client.audit.vault_access(caller="gateway").first_page(),
    lambda client: client.vault.rotate_keys(),
    lambda client: client.clock.get(),
    lambda client: client.clock.advance(days=1),
    lambda client: client.health(),
    lambda client: client.services_health(),
    lambda client: client.metrics(),
]


def test_every_operation_of_the_contract_can_be_reached(caller: Caller, server: Script) -> None:
    for call in CALLS:
        server.then(answer(499))
        with pytest.raises(Exception, match="499"):
            caller(call)
    called = {(request.method.lower(), request.path.split("?")[0]) for request in server.received}
    offered = {
        (
            method,
            path.format(**IDS),
        )
        for path, item in CONTRACT["paths"].items()
        for method in item
        if method in ("get", "post", "put", "patch", "delete")
        and item[method]["operationId"] != "receive_provider_webhook"  # The providers' own.
    }
    assert called == offered
