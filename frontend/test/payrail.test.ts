/** The client against a running gateway: `PAYRAIL_BASE_URL` and `PAYRAIL_API_KEY` say which. */

import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, expectTypeOf, it } from "vitest";
import type { Payment, PaymentState } from "../src/gen/gateway";
import { paymentStateValues } from "../src/gen/gateway";
import { answer, createPayrail, type PayrailOptions } from "../src/lib/payrail";
import { PayrailError, type ProblemCode } from "../src/lib/problem";

const options: PayrailOptions = {
  baseUrl: setting("PAYRAIL_BASE_URL"),
  apiKey: setting("PAYRAIL_API_KEY"),
};
const payrail = createPayrail(options);
const card = { number: "4242424242424242", exp_month: 12, exp_year: 2039 };

function setting(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set`);
  return value;
}

function create(reference: string, more: object = {}): Promise<Payment> {
  return answer(
    payrail.POST("/payments", {
      body: { amount: 1999, currency: "EUR", payment_method: { card }, merchant_reference: reference, ...more },
    }),
  );
}

async function failure(call: Promise<unknown>): Promise<PayrailError> {
  const error: unknown = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof PayrailError)) throw new Error(`no PayrailError but ${String(error)}`);
  return error;
}

describe("a payment", () => {
  it("runs from its creation over authorization and capture to the list", async () => {
    const created = await create("typescript-smoke");
    expect(created.state).toBe("CREATED");
    expectTypeOf(created.state).toEqualTypeOf<PaymentState>();

    const params = { path: { payment_id: created.id } };
    const authorized = await answer(
      payrail.POST("/payments/{payment_id}/authorize", { params, body: { cvc: "123" } }),
    );
    expect(authorized).toMatchObject({ state: "AUTHORIZED", amount_authorized: 1999 });

    const captured = await answer(payrail.POST("/payments/{payment_id}/capture", { params, body: { amount: 500 } }));
    expect(captured).toMatchObject({ state: "PARTIALLY_CAPTURED", amount_captured: 500 });

    const page = await answer(
      payrail.GET("/payments", {
        params: { query: { merchant_reference: "typescript-smoke", state: ["PARTIALLY_CAPTURED"], limit: 1 } },
      }),
    );
    expectTypeOf(page.data).toEqualTypeOf<Payment[]>();
    expect(page.data[0]?.id).toBe(created.id);
  });

  it("is made once for one idempotency key", async () => {
    const call = () =>
      payrail.POST("/payments", {
        params: { header: { "Idempotency-Key": "typescript-once" } },
        body: { amount: 1, currency: "EUR", payment_method: { card } },
      });
    const [first, second] = [await call(), await call()];
    expect(second.data).toEqual(first.data);
    expect(second.response.headers.get("Idempotent-Replayed")).toBe("true");
  });
});

describe("a failure", () => {
  it("is an error with the contract's code, and the ids of the request", async () => {
    const expired = { ...card, exp_year: 2020 };
    const error = await failure(create("typescript-expired", { payment_method: { card: expired } }));
    expect(error.status).toBe(422);
    expect(error.code).toBe("card_expired" satisfies ProblemCode);
    expect(error.correlationId).toMatch(/^[a-p]{32}$/);
    expect(error.idempotencyKey).toMatch(/^[a-p]{32}$/);
    expect(error.message).not.toContain(card.number);
  });

  it("names every field that is not valid", async () => {
    const error = await failure(create("typescript-invalid", { amount: 0 }));
    expect(error.code).toBe("validation_failed" satisfies ProblemCode);
    expect(error.errors.map((fault) => fault.pointer)).toEqual(["/amount"]);
  });

  it("of a key that is nobody's has the correlation id that the client was given", async () => {
    const nobody = createPayrail({ ...options, apiKey: "sk_nobody", correlationId: "typescript-nobody" });
    const error = await failure(nobody.GET("/payments"));
    expect([error.status, error.code, error.correlationId]).toEqual([401, "unauthorized", "typescript-nobody"]);
  });

  it("of an identity that contradicts a merchant's key is refused", async () => {
    const other = createPayrail({
      ...options,
      identity: { merchantId: "m_acme", role: "operator", userId: "ana" },
    });
    expect((await failure(other.GET("/payments"))).status).toBe(403);
  });

  it("to answer in time is a time-out", async () => {
    // A gateway may always be faster than a limit. What never answers is not.
    const silent = createServer(() => undefined).listen(0, "127.0.0.1");
    try {
      await once(silent, "listening");
      const { port } = silent.address() as AddressInfo;
      const hasty = createPayrail({ ...options, baseUrl: `http://127.0.0.1:${port}`, timeoutMs: 50 });
      await expect(hasty.GET("/payments")).rejects.toMatchObject({ name: "TimeoutError" });
    } finally {
      silent.closeAllConnections();
      silent.close();
    }
  });
});

describe("the types", () => {
  it("refuse what the contract does not know", () => {
    // Never run: each comment that expects an error must be needed.
    void (async () => {
      // @ts-expect-error no such path
      await payrail.GET("/paiments");
      // @ts-expect-error an amount is a number
      await payrail.POST("/payments", { body: { amount: "1", currency: "EUR", payment_method: { card } } });
      // @ts-expect-error no such state
      await payrail.GET("/payments", { params: { query: { state: ["AUTORIZED"] } } });
      // @ts-expect-error no such code
      return new PayrailError(422, "card_expird", "", null, [], "", null, null);
    });
    expect(paymentStateValues).toContain("PARTIALLY_CAPTURED");
  });
});
