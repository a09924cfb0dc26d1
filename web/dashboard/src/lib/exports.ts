import { send } from "@/api/client";
import { messageOf } from "@/api/errors";
import { chosenMerchant } from "@/lib/merchant";
import { stringifySearch } from "@/lib/search";

export type Exportable = "payments" | "refunds" | "orders";
export type FileFormat = "csv" | "xlsx";
export type Query = Record<string, string | string[]>;
export type Export = {
  id: number;
  merchant: string | null;
  list: Exportable;
  format: FileFormat;
  query: Query;
  startedAt: string;
  state: "running" | "saved" | "cancelled" | "failed";
  bytes: number;
  /** Rows that have come; null: a file of this kind does not show them before it is whole. */
  rows: number | null;
  error: string | null;
};

let all: readonly Export[] = [];
const listeners = new Set<() => void>();
const stops = new Map<number, AbortController>();
const LINE_FEED = 10;
const IN_MEMORY_MAX = 8_000_000;
const KEPT_MAX = 20;

/** Exports of this tab. They go on while somebody looks at another page. */
export function currentExports(): readonly Export[] {
  return all;
}

export function onExports(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function change(id: number, to: Partial<Export>): void {
  all = all.map((each) => (each.id === id ? { ...each, ...to } : each));
  for (const listener of listeners) listener();
}

export function cancelExport(id: number): void {
  stops.get(id)?.abort();
}

function countLines(chunk: Uint8Array): number {
  let count = 0;
  for (const byte of chunk) if (byte === LINE_FEED) count += 1;
  return count;
}

/** Fetches a file, says how far it is, and hands it to the browser. Returns how it ended. */
export async function startExport(list: Exportable, format: FileFormat, query: Query): Promise<Export> {
  const id = (all[0]?.id ?? 0) + 1;
  const stop = new AbortController();
  stops.set(id, stop);
  const startedAt = new Date().toISOString();
  const rows = format === "csv" ? 0 : null;
  const begun: Export = {
    id,
    merchant: chosenMerchant(),
    list,
    format,
    query,
    startedAt,
    state: "running",
    bytes: 0,
    rows,
    error: null,
  };
  all = [begun, ...all].slice(0, KEPT_MAX);
  change(id, {});
  try {
    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    const parameters = stringifySearch({
      ...query,
      format,
      bom: format === "csv" ? "true" : undefined,
      time_zone: zone,
    });
    const url = `${window.location.origin}/api/v1/exports/${list}${parameters}`;
    const response = await send(new Request(url, { signal: stop.signal }));
    const parts = await read(response, (bytes, lines) => change(id, { bytes, rows: rows === null ? null : lines }));
    save(
      new Blob(parts, { type: response.headers.get("content-type") ?? "" }),
      `${list}-${startedAt.slice(0, 10)}.${format}`,
    );
    change(id, { state: "saved" });
  } catch (error) {
    if (stop.signal.aborted) change(id, { state: "cancelled" });
    else change(id, { state: "failed", error: messageOf(error) });
  } finally {
    stops.delete(id);
  }
  return all.find((each) => each.id === id)!;
}

async function read(response: Response, tell: (bytes: number, rows: number) => void): Promise<BlobPart[]> {
  let parts: BlobPart[] = [];
  let [bytes, lines, toldAt, inMemory] = [0, 0, 0, 0];
  const reader = response.body!.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (value) {
      parts.push(value);
      bytes += value.length;
      inMemory += value.length;
      lines += countLines(value);
    }
    if (inMemory > IN_MEMORY_MAX) {
      parts = [new Blob(parts)]; // A browser keeps large blobs on disk.
      inMemory = 0;
    }
    if (done || Date.now() - toldAt > 200) {
      toldAt = Date.now();
      tell(bytes, Math.max(0, lines - 1));
    }
    if (done) return parts;
  }
}

function save(blob: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
