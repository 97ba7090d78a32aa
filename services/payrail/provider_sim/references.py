"""The ids that a provider gives: its own id of an operation, and the reference of what it opens by itself."""

import hashlib

from payrail.provider_sim.profiles import Operation, Profile
from payrail.runtime.ids import encode_ulid

ALPHABET = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ"
DIGIT_OF = ALPHABET * 8  # What each byte becomes.
LETTER_OF = ALPHABET[16:] * 16


def provider_reference(profile: Profile, operation: Operation, reference: str) -> str:
    """The provider's own id of an operation. It follows from the reference, so a second run gives the same.

    Every fourth place is a letter, so that no run of digits can pass for a card number.
    """
    digest = hashlib.sha256(f"{profile.id}:{reference}".encode()).digest()
    letters = digest[:4].translate(LETTER_OF).decode()
    digits = digest[4:16].translate(DIGIT_OF).decode()
    places = (
        letters[0],
        digits[:3],
        letters[1],
        digits[3:6],
        letters[2],
        digits[6:9],
        letters[3],
        digits[9:],
    )
    return profile.reference_prefixes[operation] + "".join(places)


def reference_of_followup(operation: Operation, reference: str) -> str:
    """The reference of what follows an operation without being asked for; the same for the same operation."""
    digest = hashlib.sha256(f"{operation}:{reference}".encode()).digest()
    return f"att_{encode_ulid(int.from_bytes(digest[:16], 'big'))}"
