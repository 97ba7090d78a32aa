"""What the vault refuses, and how each refusal is answered. No error holds a card number."""

from payrail.runtime.problems import ErrorTable


class VaultError(Exception):
    """The root of the vault's errors. `code` is stable; `detail` is shown to the caller."""

    code: str
    detail: str | None = None


class CardRefused(VaultError):
    """The card cannot be taken."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class CardInvalid(CardRefused):
    """The number is no card number."""

    code = "card_invalid"


class CardExpired(CardRefused):
    """The month of expiry is over."""

    code = "card_expired"


class TokenNotFound(VaultError):
    """This merchant has no such token; whether another one has it is not told."""

    code = "token_not_found"
    detail = "This merchant has no card under this token."


class RotationInProgress(VaultError):
    """One rotation at a time."""

    code = "rotation_in_progress"
    detail = "Try again when it has ended."

    def __init__(self) -> None:
        super().__init__(self.detail)
        self.headers = {"Retry-After": "1"}


class VaultUnavailable(VaultError):
    """The vault is not open, or its disk takes no writes. Trying again later is safe."""

    code = "service_unavailable"
    detail = "The vault cannot keep what this request needs to be kept."

    def __init__(self) -> None:
        super().__init__(self.detail)
        self.headers = {"Retry-After": "1"}


class VaultUnusable(VaultError):
    """The vault's files do not fit together. It refuses to start and changes nothing."""

    code = "vault_unusable"


class CardUnreadable(VaultError):
    """A stored card cannot be decrypted: its key is gone, or the ciphertext is not the one of this token."""

    code = "card_unreadable"
    detail = "What is kept under this token cannot be decrypted. The same card, put into the vault again, replaces it."


class CardsUnreadable(CardUnreadable):
    """A rotation met cards that none of the keys decrypts. It retires no key, since one may still be needed."""

    def __init__(self, count: int) -> None:
        super().__init__(count)
        self.detail = (
            f"Cards that cannot be decrypted: {count}. All others have the new key; the older keys stay until those "
            "are put into the vault again, or their file is put back."
        )


ERRORS = ErrorTable(
    {
        CardInvalid: (422, "The card number is not valid"),
        CardExpired: (422, "The card has expired"),
        TokenNotFound: (404, "There is no such token"),
        RotationInProgress: (409, "A rotation is running"),
        CardUnreadable: (409, "The card cannot be read"),
        VaultUnavailable: (503, "The service is not available"),
    }
)
