import { send } from "@/api/client";
import type { paths } from "@/api/schema";

type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
type Known = keyof paths extends infer Path ? (Path extends `/api/v1${infer Rest}` ? Rest : never) : never;
type Operation<M extends Method, P extends Known> = paths[`/api/v1${P}` & keyof paths][Lowercase<M> &
  keyof paths[keyof paths]];
type Body<R, S extends PropertyKey> = S extends keyof R
  ? R[S] extends { content: { "application/json": infer Content } }
    ? Content
    : undefined
  : never;
type Answer<O> = O extends { responses: infer R } ? Body<R, 200> | Body<R, 201> | Body<R, 202> | Body<R, 204> : never;

/** Sends a request to a route by its address. The answer of a plain address has the type that the contract gives it. */
export async function raw<M extends Method, P extends Known>(
  method: M,
  path: P,
  body?: unknown,
  headers?: Record<string, string>,
): Promise<Answer<Operation<M, P>>>;
/** For addresses with an id or a query: the caller names the type of the answer. */
export async function raw<T>(
  method: Method,
  path: string,
  body?: unknown,
  headers?: Record<string, string>,
): Promise<T>;
export async function raw<T>(
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<T> {
  const request = new Request(`${window.location.origin}/api/v1${path}`, {
    method,
    headers: body === undefined ? headers : { ...headers, "Content-Type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const response = await send(request);
  return response.status === 204 || response.headers.get("content-length") === "0" ? (undefined as T) : response.json();
}

/** All rows of a list that is never long, page by page. */
export async function everyRow<Row>(path: string): Promise<Row[]> {
  const rows: Row[] = [];
  let cursor: string | null = null;
  do {
    const query = new URLSearchParams({ limit: "100", ...(cursor ? { cursor } : {}) });
    const page: { data: Row[]; next_cursor: string | null } = await raw("GET", `${path}?${query}`);
    rows.push(...page.data);
    cursor = page.next_cursor;
  } while (cursor);
  return rows;
}
