"""The quick looks at a request's headers and parameters decide as the full ones do."""

from hypothesis import example, given, settings
from hypothesis import strategies as st

from payrail.runtime.card_numbers import find_card_number
from payrail.runtime.contract.parameters import _HARMLESS
from payrail.runtime.contract.requests import Request
from payrail.runtime.contract.routes import Path
from payrail.runtime.contract.security import read_bearer_key

many = settings(max_examples=500)


async def nothing() -> dict[str, object]:
    return {}


def carefully_read_key(value: bytes) -> str | None:
    key = value[len(b"bearer ") :].strip() if value[:7].lower() == b"bearer " else b""
    return key.decode("ascii") if key and key.isascii() and key.decode("ascii").isprintable() else None


@given(
    st.sampled_from([b"Bearer ", b"bearer ", b"BEARER  ", b"Bearer", b"Basic ", b"Bearer \t"]),
    st.binary(max_size=12) | st.text(" \t\n\x0b\x1f\x7fkK", max_size=8).map(str.encode),
)
@example(b"Bearer ", b"a key \x0b")
@many
def test_a_bearer_key_is_read_as_its_characters_say(scheme: bytes, rest: bytes) -> None:
    assert read_bearer_key({b"authorization": scheme + rest}) == carefully_read_key(scheme + rest)


@given(
    st.binary(max_size=140) | st.text("0123456789- ax", max_size=130).map(str.encode),
    st.booleans(),
)
@example(b"4242-4242-4242-4242", False)
@example(b"1" * 128, False)
@example(b"x" * 129, False)
@many
def test_a_correlation_id_is_taken_if_it_is_visible_short_and_no_card_number(
    given_id: bytes,
    twice: bool,
) -> None:
    fields = [(b"x-correlation-id", b"first")] * twice + [(b"x-correlation-id", given_id)]
    request = Request.of_fields("GET", b"/", b"", fields, nothing)
    visible = 0 < len(given_id) <= 128 and all(0x21 <= byte <= 0x7E for byte in given_id)
    taken = visible and not twice and not find_card_number(given_id.decode("ascii"))
    assert (request.correlation_id == given_id.decode("latin-1")) == taken
    assert taken or request.correlation_id.startswith("req_")


@given(st.text(max_size=60) | st.text("0123456789- a\x00\u0660", max_size=60))
@example("4242 4242 4242 4242")
@many
def test_what_looks_harmless_holds_no_card_number_and_no_nul(text: str) -> None:
    if _HARMLESS.fullmatch(text):
        assert not find_card_number(text)
        assert text.isascii()
        assert text.isprintable()


segments = st.lists(st.sampled_from([b"", b"boxes", b"open", b"x"]), min_size=4, max_size=4)


@given(segments)
def test_a_path_fits_where_its_fixed_segments_stand_and_no_parameter_is_empty(
    given_segments: list[bytes],
) -> None:
    first, boxes, box_id, action = given_segments
    fits = first == b"" and boxes == b"boxes" and action == b"open" and box_id != b""
    assert Path("/boxes/{box_id}/open").values(given_segments) == ((box_id,) if fits else None)
