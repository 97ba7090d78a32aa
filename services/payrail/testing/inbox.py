"""A receiver of the merchant's webhooks: a real HTTP server that keeps what comes, and answers as it is told to."""

import contextlib
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from payrail_sdk.errors import WebhookError
from payrail_sdk.webhooks import WebhookEvent, verify

_ACCEPTED = range(200, 300)
_NEVER = 0
_POLL_S = 0.005
_WAIT_S = 10.0


@dataclass(frozen=True)
class Delivery:
    """One try of a webhook, as it arrived and as it was answered."""

    id: str
    """The `webhook-id`, which is the event's id: the same for each try and for a redelivery."""
    event: WebhookEvent
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    status: int | None
    """What it was answered; None when it never was."""

    @property
    def accepted(self) -> bool:
        """Whether the answer said that it need not come again."""
        return self.status in _ACCEPTED


@dataclass(frozen=True)
class RefusedDelivery:
    """What came and is no webhook of PayRail's; it was answered 401."""

    headers: Mapping[str, str]
    body: bytes
    reason: str


class NoSuchWebhook(AssertionError):
    """The webhook that a test waited for did not come in time; the message says what did."""


class Answer:
    """How the inbox answers for now. It ends with `end`, or with the `with` block that it opens."""

    def __init__(self, inbox: "Inbox", status: int, headers: Mapping[str, str], times: int | None) -> None:
        self.status, self.headers, self.remaining = status, headers, times
        self._inbox = inbox

    def end(self) -> None:
        """Answer as before; a sender that waits for an answer is let go without one."""
        self._inbox.forget(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()


class Inbox:
    """The merchant's webhooks. Every signature is verified, and every try is kept."""

    url: str
    """Where it listens."""

    secrets: list[str]
    """Those that a webhook may be signed with. Add that of an endpoint of your own that leads here."""

    def __init__(self, *secrets: str) -> None:
        """Listens at once."""
        self.secrets = list(secrets)
        self._changed = threading.Condition()
        self._deliveries: list[Delivery] = []
        self._refused: list[RefusedDelivery] = []
        self._answers: list[Answer] = []
        self._closed = False
        self._server = _server(self)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/"
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(_POLL_S,), name="payrail-inbox", daemon=True
        )
        self._thread.start()

    # ---- what came --------------------------------------------------------------------------------------------------

    def wait_for(
        self,
        event_type: str,
        *,
        where: Callable[[WebhookEvent], bool] | None = None,
        accepted: bool = True,
        timeout_s: float = _WAIT_S,
    ) -> WebhookEvent:
        """The first event of this type, such as "payment.captured"; waits until it has come.

        Args:
            event_type: The event's type.
            where: What must also be true of it, such as `lambda event: event.data["id"] == payment.id`.
            accepted: Whether it must have been answered 2xx; False takes a try that the inbox was told to refuse, too.
            timeout_s: Real seconds to wait at most. A retry waits for a time of its own: advance the clock.

        Raises:
            NoSuchWebhook: It did not come in time.
        """

        def found() -> Delivery | None:
            fitting = (one for one in self._deliveries if one.accepted or not accepted)
            return next((one for one in fitting if _fits(one.event, event_type, where)), None)

        with self._changed:
            if self._changed.wait_for(lambda: found() is not None, timeout_s) and (delivery := found()):
                return delivery.event
            wanted = event_type if where is None else f"{event_type} of which `where` is true"
            raise NoSuchWebhook(self._missing(wanted, timeout_s))

    @property
    def events(self) -> Sequence[WebhookEvent]:
        """The events that were accepted, each once, in the order in which they came."""
        with self._changed:
            return list({one.id: one.event for one in self._deliveries if one.accepted}.values())

    @property
    def deliveries(self) -> Sequence[Delivery]:
        """Every try, in the order in which they came."""
        with self._changed:
            return list(self._deliveries)

    @property
    def refused(self) -> Sequence[RefusedDelivery]:
        """What came and could not be verified."""
        with self._changed:
            return list(self._refused)

    def clear(self) -> None:
        """Forget what came."""
        with self._changed:
            self._deliveries.clear()
            self._refused.clear()

    # ---- how it answers ---------------------------------------------------------------------------------------------

    def answer(self, status: int, *, times: int | None = None, retry_after_s: int | None = None) -> Answer:
        """Answer so from now on; as the head of a `with` block, until its end. Of several the latest counts.

        Args:
            status: Any HTTP status, such as 500, 410 or 429.
            times: How many tries to answer so at most.
            retry_after_s: The answer's `Retry-After`.
        """
        headers = {} if retry_after_s is None else {"Retry-After": str(retry_after_s)}
        return self._add(Answer(self, status, headers, times))

    def redirect(self, to: str, *, times: int | None = None) -> Answer:
        """Answer 307 with another address, as `answer` otherwise."""
        return self._add(Answer(self, 307, {"Location": to}, times))

    def hang(self, *, times: int | None = None) -> Answer:
        """Take tries and never answer them, as `answer` otherwise."""
        return self._add(Answer(self, _NEVER, {}, times))

    def forget(self, answer: Answer) -> None:
        """Answer as before `answer`."""
        with self._changed:
            if answer in self._answers:
                self._answers.remove(answer)
            self._changed.notify_all()

    def close(self) -> None:
        """Stop listening, and let go of every sender that waits for an answer."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    # ---- inside -----------------------------------------------------------------------------------------------------

    def take(self, headers: Mapping[str, str], body: bytes) -> tuple[int, Mapping[str, str]] | None:
        """Keep what came; status and headers of the answer, None for none."""
        try:
            event = verify(body, headers, self.secrets)
        except (WebhookError, ValueError) as error:
            with self._changed:
                self._refused.append(RefusedDelivery(headers, body, str(error)))
            return 401, {}
        with self._changed:
            answer = self._next_answer()
            status = 200 if answer is None else answer.status
            self._deliveries.append(
                Delivery(headers["webhook-id"], event, headers, body, None if status == _NEVER else status)
            )
            self._changed.notify_all()
            if answer is not None and status == _NEVER:
                self._changed.wait_for(lambda: self._closed or answer not in self._answers)
                return None
        return status, {} if answer is None else answer.headers

    def _next_answer(self) -> Answer | None:
        for answer in reversed(self._answers):
            if answer.remaining is None:
                return answer
            if answer.remaining > 0:
                answer.remaining -= 1
                return answer
        return None

    def _add(self, answer: Answer) -> Answer:
        with self._changed:
            self._answers.append(answer)
        return answer

    def _missing(self, wanted: str, timeout_s: float) -> str:
        came = [f"{one.event.type} answered {one.status or 'nothing'}" for one in self._deliveries]
        came += [f"one that was refused: {one.reason}" for one in self._refused]
        return f"no {wanted} in {timeout_s:g} s; came: {', '.join(came) or 'none'}"


@contextlib.contextmanager
def listening_inbox(*secrets: str) -> Iterator[Inbox]:
    """An inbox that listens for the length of the block."""
    inbox = Inbox(*secrets)
    try:
        yield inbox
    finally:
        inbox.close()


def _fits(event: WebhookEvent, event_type: str, where: Callable[[WebhookEvent], bool] | None) -> bool:
    return event.type == event_type and (where is None or where(event))


def _server(inbox: Inbox) -> ThreadingHTTPServer:
    class Receiver(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(int(headers.get("content-length", "0")))
            answer = inbox.take(headers, body)
            if answer is None:
                self.close_connection = True
                return
            status, extra = answer
            self.send_response(status)
            for name, value in {**extra, "Content-Length": "0"}.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """A test's output is the test's own."""

    return _Server(("127.0.0.1", 0), Receiver)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A sender that breaks off is its own affair, and nothing for the test's output."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)
