// Takes PayRail's webhooks: verifies each with the stock `standardwebhooks` package and handles each event once.
//
//     npm install standardwebhooks
//     WEBHOOK_SECRET=whsec_… node receiver.mjs 9000
//
// What was handled is in `events.txt`, a webhook-id a line. So an event that comes again, as every event may, is answered
// and not handled again. With a database of your own, write the id in the transaction that handles the event.
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { Webhook, WebhookVerificationError } from "standardwebhooks";

const BODY_BYTES_MAX = 1 << 20;
const HANDLED = "events.txt";

const webhook = new Webhook(process.env.WEBHOOK_SECRET);
const handled = new Set(existsSync(HANDLED) ? readFileSync(HANDLED, "utf8").split("\n") : []);

/** Your part. What it throws brings the event again. */
async function handle(event) {
  console.log(event.type, event.id);
}

/** The status to answer with. Anything but 2xx brings the event again. */
async function take(request) {
  const pieces = [];
  let length = 0;
  for await (const piece of request) {
    length += piece.length;
    if (length > BODY_BYTES_MAX) return 413;
    pieces.push(piece);
  }
  let event;
  try {
    // Exactly these bytes were signed: verify before parsing.
    event = webhook.verify(Buffer.concat(pieces).toString("utf8"), request.headers);
  } catch (error) {
    if (error instanceof WebhookVerificationError) return 400;
    throw error;
  }
  const id = request.headers["webhook-id"];
  if (handled.has(id)) {
    console.log("again", id);
    return 204;
  }
  await handle(event);
  appendFileSync(HANDLED, `${id}\n`);
  handled.add(id);
  return 204;
}

const server = createServer((request, response) => {
  take(request)
    .catch((error) => {
      console.error(error);
      return 500;
    })
    .then((status) => response.writeHead(status).end());
});
server.listen(Number(process.argv[2]), "127.0.0.1", () => console.log("listening on", server.address().port));
