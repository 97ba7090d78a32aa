"""Card numbers whose outcome is fixed, as the test cards of the field have it, and three that no sandbox offers.

| number | what happens |
|---|---|
| 4242424242424242 | always approved |
| 4000000000000002 | declined: generic decline |
| 4000000000009995 | declined: insufficient funds |
| 4000000000009987 | declined: lost card |
| 4000000000009979 | declined: stolen card |
| 4000000000000069 | declined: expired card |
| 4000000000000127 | declined: wrong CVC |
| 4000000000000119 | declined: processing error |
| 4000000000000259 | approved; the holder disputes the charge after its capture |
| 4000000000007726 | approved; a refund is pending at first, then succeeds |
| 4000000000005126 | approved; a refund succeeds at first, then fails |
| 4000000000800013 | approved, but the answer to the first authorize is lost |
| 4000000000800021 | lost before processing: a first attempt is neither processed nor answered, a later one approved |
| 4000000000800039 | late approval: no answer, not found for `LATE_APPROVAL_S`, approved from then on |

Every other number meets the fate that `fate.py` draws for it. All numbers pass the Luhn check.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from payrail.provider_sim.profiles import DeclineReason

# By the clock. Longer than the time-out with which a caller gives an authorization up (10 s).
LATE_APPROVAL_S = 30
REFUND_SETTLES_S = 60


class Behaviour(StrEnum):
    """What an approved magic card brings about beside its approval."""

    DISPUTE_AFTER_CAPTURE = "dispute_after_capture"
    REFUND_PENDING_THEN_SUCCEEDS = "refund_pending_then_succeeds"
    REFUND_SUCCEEDS_THEN_FAILS = "refund_succeeds_then_fails"
    ANSWER_LOST = "answer_lost"
    LOST_BEFORE_PROCESSING = "lost_before_processing"
    LATE_APPROVAL = "late_approval"


@dataclass(frozen=True)
class MagicCard:
    """A fixed outcome: a decline with its reason, or an approval, perhaps with a behaviour."""

    declines: DeclineReason | None = None
    behaviour: Behaviour | None = None


MAGIC_CARDS: Mapping[str, MagicCard] = {
    "4242424242424242": MagicCard(),
    "4000000000000002": MagicCard(declines=DeclineReason.GENERIC_DECLINE),
    "4000000000009995": MagicCard(declines=DeclineReason.INSUFFICIENT_FUNDS),
    "4000000000009987": MagicCard(declines=DeclineReason.LOST_CARD),
    "4000000000009979": MagicCard(declines=DeclineReason.STOLEN_CARD),
    "4000000000000069": MagicCard(declines=DeclineReason.EXPIRED_CARD),
    "4000000000000127": MagicCard(declines=DeclineReason.INCORRECT_CVC),
    "4000000000000119": MagicCard(declines=DeclineReason.PROCESSING_ERROR),
    "4000000000000259": MagicCard(behaviour=Behaviour.DISPUTE_AFTER_CAPTURE),
    "4000000000007726": MagicCard(behaviour=Behaviour.REFUND_PENDING_THEN_SUCCEEDS),
    "4000000000005126": MagicCard(behaviour=Behaviour.REFUND_SUCCEEDS_THEN_FAILS),
    "4000000000800013": MagicCard(behaviour=Behaviour.ANSWER_LOST),
    "4000000000800021": MagicCard(behaviour=Behaviour.LOST_BEFORE_PROCESSING),
    "4000000000800039": MagicCard(behaviour=Behaviour.LATE_APPROVAL),
}
