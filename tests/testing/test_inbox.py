"""The webhook inbox against a sender that signs as PayRail does."""

import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator

import httpx
import pytest

from payrail.testing.inbox import Inbox, NoSuchWebhook, listening_inbox
from payrail_sdk.webhooks import sign
from waiting import LIMIT_S, wait_until

SECRET = "whsec_ZGV2X21lcmNoYW50X2hvb2tfbm90X2Zvcl9wcm9kdWN0aW9u"
OTHER_SECRET = "whsec_d3JvbmctcGVyaGFwcy1idXQtbG9uZy1lbm91Z2g="


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    with listening_inbox(SECRET) as inbox:
        yield inbox


def send(
    inbox: Inbox, event_type: str = "payment.captured", number: int = 1, secret: str = SECRET
) -> httpx.Response:
    """Send an event as PayRail would."""
    event_id = f"evt_{number}"
    event = {
        "id": event_id,
        "type": event_type,
        "created_at": "2031-01-01T00:00:00Z",
        "merchant_id": "m_demo",
        "correlation_id": "of-this-test",
        "data": {"id": f"pay_{number}"},
    }
    body = json.dumps(event).encode()
    headers = sign(body, secret, webhook_id=event_id, sent_s=int(time.time()))
    return httpx.post(inbox.url, content=body, headers=headers, trust_env=False, timeout=LIMIT_S)


def test_event_that_came_is_found_by_its_type(inbox: Inbox) -> None:
    assert send(inbox).status_code == 200
    event = inbox.wait_for("payment.captured")
    assert (event.id, event.data["id"], event.correlation_id) == ("evt_1", "pay_1", "of-this-test")


def test_event_that_is_still_to_come_is_waited_for(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    waiting, wait_for = threading.Event(), inbox._changed.wait_for

    def wait_and_say_so(predicate: Callable[[], bool], timeout: float | None = None) -> bool:
        waiting.set()  # What comes now cannot be kept before the wait has begun.
        return wait_for(predicate, timeout)

    def send_once_it_is_waited_for() -> None:
        assert waiting.wait(LIMIT_S)
        send(inbox)

    monkeypatch.setattr(inbox._changed, "wait_for", wait_and_say_so)
    sender = threading.Thread(target=send_once_it_is_waited_for)
    sender.start()
    assert inbox.wait_for("payment.captured").id == "evt_1"
    sender.join()


def test_event_is_found_by_what_is_true_of_it(inbox: Inbox) -> None:
    for number in (1, 2):
        send(inbox, number=number)
    assert inbox.wait_for("payment.captured", where=lambda event: event.data["id"] == "pay_2").id == "evt_2"


def test_missing_event_fails_with_what_came_instead(inbox: Inbox) -> None:
    send(inbox, "payment.created")
    send(inbox, secret=OTHER_SECRET)
    with pytest.raises(NoSuchWebhook, match=r"no payment\.captured .*payment\.created answered 200.*refused"):
        inbox.wait_for("payment.captured", timeout_s=0.01)


def test_event_that_came_and_was_not_meant_is_not_said_to_be_missing(inbox: Inbox) -> None:
    send(inbox)
    with pytest.raises(
        NoSuchWebhook, match=r"no payment\.captured of which `where` is true .*captured answered 200"
    ):
        inbox.wait_for("payment.captured", where=lambda event: event.data["id"] == "pay_2", timeout_s=0.01)


def test_webhook_with_another_signature_is_refused_and_kept_apart(inbox: Inbox) -> None:
    assert send(inbox, secret=OTHER_SECRET).status_code == 401
    assert inbox.deliveries == []
    assert inbox.refused[0].headers["webhook-id"] == "evt_1"


def test_inbox_answers_as_it_was_told_and_for_as_long(inbox: Inbox) -> None:
    inbox.answer(500, times=2)
    assert [send(inbox).status_code for _ in range(3)] == [500, 500, 200]
    with inbox.answer(429, retry_after_s=7):
        limited = send(inbox)
        assert (limited.status_code, limited.headers["retry-after"]) == (429, "7")
        with inbox.answer(410):
            assert send(inbox).status_code == 410
        assert send(inbox).status_code == 429
    with inbox.redirect("http://127.0.0.1:9/elsewhere"):
        assert send(inbox).headers["location"] == "http://127.0.0.1:9/elsewhere"
    assert send(inbox).status_code == 200


def test_refused_tries_are_kept_and_only_the_accepted_one_counts(inbox: Inbox) -> None:
    inbox.answer(500, times=1)
    send(inbox)
    with pytest.raises(NoSuchWebhook):
        inbox.wait_for("payment.captured", timeout_s=0.01)
    assert inbox.wait_for("payment.captured", accepted=False).id == "evt_1"
    for _ in range(2):
        send(inbox)
    assert [one.status for one in inbox.deliveries] == [500, 200, 200]
    assert [event.id for event in inbox.events] == ["evt_1"]
    inbox.clear()
    assert inbox.events == []


def send_and_note(inbox: Inbox, outcomes: list[object]) -> None:
    try:
        outcomes.append(send(inbox).status_code)
    except httpx.HTTPError as error:
        outcomes.append(type(error))


def test_sender_that_is_never_answered_is_let_go_at_the_end_of_the_block(inbox: Inbox) -> None:
    outcomes: list[object] = []
    sender = threading.Thread(target=send_and_note, args=(inbox, outcomes))
    with inbox.hang():
        sender.start()
        assert inbox.wait_for("payment.captured", accepted=False).id == "evt_1"
        assert outcomes == []
    sender.join()
    assert outcomes == [httpx.RemoteProtocolError]
    assert inbox.deliveries[0].status is None


def test_sender_that_is_never_answered_does_not_hold_up_the_end() -> None:
    outcomes: list[object] = []
    with listening_inbox(SECRET) as inbox:
        inbox.hang()
        sender = threading.Thread(target=send_and_note, args=(inbox, outcomes))
        sender.start()
        inbox.wait_for("payment.captured", accepted=False)
    sender.join()
    assert outcomes == [httpx.RemoteProtocolError]


def test_sender_that_breaks_off_leaves_no_trace(
    inbox: Inbox, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    over, end_try = threading.Event(), inbox._server.shutdown_request

    def end_try_and_say_so(request: socket.socket) -> None:
        end_try(request)
        over.set()

    monkeypatch.setattr(inbox._server, "shutdown_request", end_try_and_say_so)
    address = ("127.0.0.1", int(inbox.url.rstrip("/").rpartition(":")[2]))
    with socket.create_connection(address) as sender:
        sender.sendall(b"POST / HTTP/1.1\r\nContent-Length: 100\r\n\r\n{")
        sender.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # Ends by a reset.
    wait_until(over.is_set, "the try is over")
    assert capfd.readouterr().err == ""
    assert send(inbox).status_code == 200
    assert len(inbox.deliveries) == 1
