import createClient from "openapi-fetch";
import createQueries from "openapi-react-query";
import { type ApiError, errorOf, NoAnswerError } from "@/api/errors";
import type { paths } from "@/api/schema";
import { actsByItself } from "@/lib/activity";
import { chosenMerchant } from "@/lib/merchant";

type StepUp = () => Promise<boolean>;

let askForStepUp: StepUp = async () => false;
let onSessionEnded: () => void = () => {};

/** The shell says how a person proves again who they are, and where to go when the session has ended. */
export function connectShell(parts: { stepUp: StepUp; sessionEnded: () => void }): void {
  askForStepUp = parts.stepUp;
  onSessionEnded = parts.sessionEnded;
}

const ABOUT_WHAT_WAS_ENTERED = new Set(["credentials_invalid", "code_invalid", "totp_needed"]);

/** Tells whether the session is gone: a 401 that is not about a password or a code that somebody just entered. */
export function isSignedOut(error: ApiError): boolean {
  return error.status === 401 && !ABOUT_WHAT_WAS_ENTERED.has(error.code);
}

const SAFE = new Set(["GET", "HEAD"]);

function prepared(request: Request): Request {
  const headers = new Headers(request.headers);
  const merchant = chosenMerchant();
  if (merchant !== null && !headers.has("X-Clearway-Merchant")) headers.set("X-Clearway-Merchant", merchant);
  if (!SAFE.has(request.method)) headers.set("X-Clearway-Request", "1");
  else if (actsByItself()) headers.set("X-Clearway-Background", "1");
  if (request.method === "POST" && !headers.has("Idempotency-Key")) {
    headers.set("Idempotency-Key", crypto.randomUUID());
  }
  return new Request(request, { headers, credentials: "same-origin" });
}

async function answered(request: Request): Promise<Response> {
  try {
    return await fetch(request);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new NoAnswerError();
  }
}

/** Sends a request with the session's headers. Raises ApiError; asks for a step-up where the API wants one, then repeats. */
export async function send(request: Request): Promise<Response> {
  const first = prepared(request);
  const again = first.clone();
  let response = await answered(first);
  if (response.ok) return response;
  let error = await errorOf(response);
  if (error.status === 403 && error.code === "step_up_required" && (await askForStepUp())) {
    response = await answered(again);
    if (response.ok) return response;
    error = await errorOf(response);
  }
  if (isSignedOut(error)) onSessionEnded();
  throw error;
}

export const client = createClient<paths>({ baseUrl: window.location.origin, fetch: send });

/** Queries and mutations by method and path of the OpenAPI document: `api.useQuery("get", "/api/v1/payments", …)`. */
export const api = createQueries(client);
