/** What goes wrong at the gateway, as one error with a code that the compiler knows. */

import type { operations, Problem } from "../gen/gateway";

type AnswerOf<Operation> = Operation extends { responses: infer Answers } ? Answers[keyof Answers] : never;
type ProblemOf<Answer> = Answer extends { content: { "application/problem+json": infer Document } }
  ? Document
  : never;

/** Every code that the contract lists at an operation. A wrong one in a comparison is a compile error. */
export type ProblemCode = NonNullable<ProblemOf<AnswerOf<operations[keyof operations]>>["code"]>;

/** One fault of a request: where it is, as a JSON pointer, and what is wrong. */
export type FieldError = NonNullable<Problem["errors"]>[number];

/** What the request was sent with. */
export interface Sent {
  correlationId: string;
  idempotencyKey: string | null;
}

/** An answer that is no success. It holds nothing of the request's body and no key of the API. */
export class PayrailError extends Error {
  override readonly name = "PayrailError";

  constructor(
    /** The HTTP status. */
    readonly status: number,
    /** Decide by it. `null` when something other than PayRail answered. */
    readonly code: ProblemCode | null,
    readonly title: string,
    readonly detail: string | null,
    /** Every fault of the request that was found. */
    readonly errors: readonly FieldError[],
    /** Finds the request in PayRail's logs and ledger. */
    readonly correlationId: string,
    /** The key that the request was sent with: repeat it with this one to learn what became of it. */
    readonly idempotencyKey: string | null,
    /** After how many seconds another try makes sense, when the answer says so. */
    readonly retryAfterS: number | null,
  ) {
    super(`${status}${code === null ? "" : ` ${code}`}: ${detail ?? title} (correlation id ${correlationId})`);
  }
}

/** The error that an answer other than a success stands for, whatever its body holds. */
export async function problemOf(response: Response, sent: Sent): Promise<PayrailError> {
  const document = await problemDocument(response);
  return new PayrailError(
    response.status,
    text(document.code) as ProblemCode | null,
    text(document.title) ?? (response.statusText || "Unknown status"),
    text(document.detail),
    Array.isArray(document.errors) ? (document.errors as FieldError[]) : [],
    response.headers.get("X-Correlation-Id") ?? sent.correlationId,
    sent.idempotencyKey,
    seconds(response.headers.get("Retry-After")),
  );
}

/** The problem document (RFC 9457), or nothing when the body is none. */
async function problemDocument(response: Response): Promise<Record<string, unknown>> {
  try {
    const document: unknown = await response.clone().json();
    return typeof document === "object" && document !== null ? (document as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function text(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

/** `Retry-After` in seconds (RFC 9110, 10.2.3); the gateway sends no dates. */
function seconds(value: string | null): number | null {
  return value !== null && /^\d+$/.test(value) ? Number(value) : null;
}
