"""Cards whose fate is fixed, by name, in the shape that the SDK takes for a payment's method."""

from payrail_sdk import NewCardParams

# The last year there is: however far a test moves the clock, the card is good.
_EXPIRES_MONTH, _EXPIRES_YEAR = 12, 2099


def card(number: str, exp_month: int = _EXPIRES_MONTH, exp_year: int = _EXPIRES_YEAR) -> NewCardParams:
    """Any card. A number that no name stands for meets a fate drawn from the seed."""
    return {"card": {"number": number, "exp_month": exp_month, "exp_year": exp_year}}


class Named:
    """A card of `Cards`; each look makes it anew, so that a test may change what it got."""

    def __init__(self, number: str) -> None:
        self.number = number

    def __get__(self, instance: object, owner: type) -> NewCardParams:
        return card(self.number)


class Cards:
    """`payment_method=payrail.cards.approved`, and so on."""

    approved = Named("4242424242424242")
    """Always approved."""
    declined = Named("4000000000000002")
    """Declined in general, by both providers."""
    insufficient_funds = Named("4000000000009995")
    """Declined: insufficient funds."""
    lost_card = Named("4000000000009987")
    """Declined: the card was reported lost."""
    stolen_card = Named("4000000000009979")
    """Declined: the card was reported stolen."""
    expired_card = Named("4000000000000069")
    """Declined by the provider: expired, whatever its date says."""
    wrong_cvc = Named("4000000000000127")
    """Declined: wrong CVC."""
    processing_error = Named("4000000000000119")
    """Declined: processing error, by both providers."""
    disputed = Named("4000000000000259")
    """Approved; its holder disputes the charge after the capture."""
    refund_pending = Named("4000000000007726")
    """Approved; a refund is pending at first, and succeeds a minute later."""
    refund_fails_late = Named("4000000000005126")
    """Approved; a refund succeeds at first, and fails a minute later."""
    lost_response = Named("4000000000800013")
    """Approved, but the first answer is lost."""
    lost_request = Named("4000000000800021")
    """The first request is lost before it is processed; a later one is approved."""
    late_approval = Named("4000000000800039")
    """No answer; approved half a minute later, unless it was reversed by then."""

    @staticmethod
    def of(number: str, exp_month: int = _EXPIRES_MONTH, exp_year: int = _EXPIRES_YEAR) -> NewCardParams:
        """Any card. A number that no name stands for meets a fate drawn from the seed."""
        return card(number, exp_month, exp_year)
