"""Takes PayRail's webhooks: verifies each with the stock `standardwebhooks` package and handles each event once.

    pip install standardwebhooks
    WEBHOOK_SECRET=whsec_… python receiver.py 9000

What was handled is in `events.db`, in the transaction that handled it. So an event that comes again, as every event
may, is answered and not handled again, also after a crash.
"""

import os
import sqlite3
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

BODY_BYTES_MAX = 1 << 20


def handle(event: dict, database: sqlite3.Connection) -> None:
    """Your part. What it writes to the database stands or falls with the event; what it raises brings it again."""
    print(event["type"], event["id"], flush=True)


class Receiver(BaseHTTPRequestHandler):
    webhook: Webhook
    database: sqlite3.Connection

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        if length > BODY_BYTES_MAX:
            self.answer(413)
            return
        body = self.rfile.read(length)  # Exactly these bytes were signed: verify before parsing.
        try:
            event = self.webhook.verify(body, dict(self.headers))
        except WebhookVerificationError:
            self.answer(400)
            return
        with self.database as transaction:
            known = transaction.execute(
                "insert or ignore into events values (?)", [self.headers["webhook-id"]]
            )
            if known.rowcount:
                handle(event, transaction)
            else:
                print("again", event["id"], flush=True)
        self.answer(204)  # Only now: what is not written down must come again.

    def answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """One line for each event is enough."""


def main() -> None:
    Receiver.webhook = Webhook(os.environ["WEBHOOK_SECRET"])
    Receiver.database = sqlite3.connect("events.db")
    Receiver.database.execute("create table if not exists events (id text primary key)")
    server = HTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver)
    print("listening on", server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
