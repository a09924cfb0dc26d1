import type { components } from "@/api/schema";

type Problem = components["schemas"]["Problem"];

/** What the API answered instead of a result: its code, its words, and the id that finds the request in the logs. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly requestId: string | null;
  readonly fields: Record<string, string>;
  readonly retryAfterS: number | null;

  constructor(status: number, problem: Partial<Problem>, requestId: string | null, retryAfterS: number | null = null) {
    super(problem.detail ?? problem.title ?? `The server answered with status ${status}.`);
    this.name = "ApiError";
    this.status = status;
    this.code = problem.code ?? "unknown";
    this.requestId = problem.request_id ?? requestId;
    this.fields = Object.fromEntries((problem.errors ?? []).map((each) => [each.field, each.message]));
    this.retryAfterS = retryAfterS;
  }
}

/** The request may or may not have arrived: no answer came. A repeat with the same Idempotency-Key is harmless. */
export class NoAnswerError extends Error {
  constructor() {
    super("The server could not be reached. Check your connection. Nothing is done twice if you try again.");
    this.name = "NoAnswerError";
  }
}

export async function errorOf(response: Response): Promise<ApiError> {
  const requestId = response.headers.get("x-request-id");
  const retryAfter = Number.parseInt(response.headers.get("retry-after") ?? "", 10);
  let problem: Partial<Problem> = {};
  try {
    problem = await response.clone().json();
  } catch {
    // A proxy answered, not the API.
  }
  return new ApiError(response.status, problem, requestId, Number.isNaN(retryAfter) ? null : retryAfter);
}

/** Returns the message to show for any thrown value. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

export function requestIdOf(error: unknown): string | null {
  return error instanceof ApiError ? error.requestId : null;
}

/** Tells whether the same request may succeed later without anybody changing anything. */
export function isPassing(error: unknown): boolean {
  if (error instanceof NoAnswerError) return true;
  return error instanceof ApiError && (error.status >= 500 || error.status === 429);
}
