import { raw } from "@/api/raw";

const HEADER = "X-Clearway-Merchant";

/** Reads a route of one merchant, whichever is chosen: an operator looks into each. */
export function readOf<T>(merchantId: string, path: string): Promise<T> {
  return raw<T>("GET", path, undefined, { [HEADER]: merchantId });
}

/** Acts for one merchant. key: so that a second press does nothing twice. */
export function actFor<T>(merchantId: string, path: string, body?: unknown, key?: string): Promise<T> {
  return raw<T>("POST", path, body, { [HEADER]: merchantId, ...(key ? { "Idempotency-Key": key } : {}) });
}
