"""The ids that a provider gives: its own id of an operation, and the reference of what it opens by itself."""

import hashlib

from payrail.provider_sim.profiles import Operation, Profile

ALPHABET = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ"
DIGIT_OF = ALPHABET * 8  # What each byte becomes.
LETTER_OF = ALPHABET[16:] * 16


def provider_reference(profile: Profile, operation: Operation, reference: str) -> str:
    """The provider's own id of an operation. It follows from the reference, so a second run gives the same.

    Every fourth place is a letter, so that no run of digits can pass for a card number.
    """
    digest = hashlib.sha256(f"{profile.id}:{reference}".encode()).digest()
    return profile.reference_prefixes[operation] + letters_and_digits(digest)


def reference_of_followup(operation: Operation, reference: str) -> str:
    """The reference of what follows an operation without being asked for; the same for the same operation."""
    digest = hashlib.sha256(f"{operation}:{reference}".encode()).digest()
    return f"att_{_places(digest, 6)}{digest[24:26].translate(LETTER_OF).decode()}"


def message_id(provider_id: str, reference: str, status: str) -> str:
    """The id of the webhook that tells of an outcome; the same for every delivery of it."""
    return f"msg_{_places(hashlib.sha256(f'{provider_id}:{reference}:{status}'.encode()).digest(), 6)}"


def letters_and_digits(digest: bytes) -> str:
    """Sixteen letters and digits made of a digest, as providers' ids are."""
    return _places(digest, 4)


def _places(digest: bytes, groups: int) -> str:
    """Groups of a letter and three digits of the alphabet, so that no run of digits can pass for a card number."""
    places = bytearray(4 * groups)
    places[0::4] = digest[:groups].translate(LETTER_OF)
    digits = digest[groups : 4 * groups].translate(DIGIT_OF)
    for place in range(3):
        places[place + 1 :: 4] = digits[place::3]
    return places.decode()
