/** A typed client of the gateway: paths, bodies and answers are the contract's, and what is no success is thrown. */

import createClient, { type Client, type FetchResponse, type Middleware } from "openapi-fetch";
import type { paths } from "../gen/gateway";
import { problemOf } from "./problem";

/** For whom the console acts. With a merchant's own key it is left out. */
export interface Identity {
  merchantId: string;
  role: "viewer" | "operator" | "approver" | "admin";
  userId: string;
}

export interface PayrailOptions {
  /** Where the gateway listens, such as `http://127.0.0.1:8026`. */
  baseUrl: string;
  /** A merchant's key, or the console's. Keep it on the server: whoever has it moves money. */
  apiKey: string;
  identity?: Identity;
  /** One correlation id for all requests; each gets its own when it is left out. */
  correlationId?: string;
  /** How long to wait for an answer. After that nobody knows what became of the request. */
  timeoutMs?: number;
}

/** The contract's paths, with an `Idempotency-Key` that is made when it is not given. */
export type PayrailPaths = {
  [Path in keyof paths]: { [Method in keyof paths[Path]]: KeyIsMade<paths[Path][Method]> };
};
type KeyIsMade<Operation> = Operation extends { parameters: { header: infer Headers } }
  ? Omit<Operation, "parameters"> & {
      parameters: Omit<Operation["parameters"], "header"> & { header?: Partial<Headers> };
    }
  : Operation;

export type Payrail = Client<PayrailPaths>;

const TIMEOUT_MS = 60_000;

/** A client of a gateway. Every call throws a `PayrailError` for an answer that is no success. */
export function createPayrail(options: PayrailOptions): Payrail {
  const client = createClient<PayrailPaths>({ baseUrl: options.baseUrl, redirect: "error" });
  client.use(sentWith(options), problemsAreThrown);
  return client;
}

/** What a successful call brought. */
export async function answer<T extends Record<string | number, unknown>, Init, Media extends `${string}/${string}`>(
  call: Promise<FetchResponse<T, Init, Media>>,
): Promise<NonNullable<FetchResponse<T, Init, Media>["data"]>> {
  const { data } = await call;
  if (data === undefined || data === null) throw new TypeError("The answer has no body");
  return data;
}

/** Puts key, identity, ids and time-out on each request. What the call itself gives stays. */
function sentWith({ apiKey, identity, correlationId, timeoutMs }: PayrailOptions): Middleware {
  return {
    onRequest({ request }) {
      const { headers } = request;
      headers.set("Authorization", `Bearer ${apiKey}`);
      if (identity !== undefined) {
        headers.set("X-Merchant-Id", identity.merchantId);
        headers.set("X-Role", identity.role);
        headers.set("X-User-Id", identity.userId);
      }
      if (!headers.has("X-Correlation-Id")) headers.set("X-Correlation-Id", correlationId ?? newName());
      if (request.method === "POST" && !headers.has("Idempotency-Key")) headers.set("Idempotency-Key", newName());
      return new Request(request, {
        signal: AbortSignal.any([request.signal, AbortSignal.timeout(timeoutMs ?? TIMEOUT_MS)]),
      });
    },
  };
}

const problemsAreThrown: Middleware = {
  async onResponse({ request, response }) {
    if (response.ok) return;
    throw await problemOf(response, {
      correlationId: request.headers.get("X-Correlation-Id") ?? "",
      idempotencyKey: request.headers.get("Idempotency-Key"),
    });
  },
};

/**
 * 128 random bits in letters. Digits among hexadecimal ones pass for a card number once in some 500 names, and PayRail
 * refuses card numbers in every place but one.
 */
function newName(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => String.fromCharCode(97 + (byte >> 4), 97 + (byte & 15))).join("");
}
