"""A line that is broken is one finding, whatever was built upon it in other books."""

from pathlib import Path

from payrail.cli.verification import verify_data_dir
from payrail.testing import running_payrail


def test_broken_capture_is_the_only_finding_though_refund_and_dispute_build_upon_it(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    with running_payrail(data_dir) as stack:
        payments = stack.client.payments
        payment = payments.create(amount=1000, currency="EUR", payment_method=stack.cards.approved)
        payments.authorize(payment.id)
        payments.capture(payment.id)
        refund = stack.client.refunds.request(payment_id=payment.id, amount=300, reason="requested")
        stack.as_("approver", user="ben").refunds.approve(refund.id)
        stack.client.disputes.open(payment_id=payment.id, amount=200, reason="fraudulent")
    book = data_dir / "ledger" / "payments.jsonl"
    lines = book.read_bytes().splitlines(keepends=True)
    broken = next(number for number, line in enumerate(lines) if b'"payment.captured"' in line)
    lines[broken] = (
        lines[broken].replace(b'"m_demo"', b'"m_dem0"').replace(b'"amount":1000', b'"amount":1001', 1)
    )
    assert b'"amount":1001' in lines[broken]
    book.write_bytes(b"".join(lines))
    (finding,) = verify_data_dir(data_dir).findings
    assert (finding.file, finding.line) == ("ledger/payments.jsonl", broken + 1)
