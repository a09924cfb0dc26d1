import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";

type Chunk = { file: string; imports?: string[]; css?: string[]; isEntry?: boolean; isDynamicEntry?: boolean };

const DIST = resolve(import.meta.dirname, "../../dist");
const manifest = JSON.parse(readFileSync(resolve(DIST, "manifest.json"), "utf8")) as Record<string, Chunk>;
const ENTRY_KB = 180;
const ROUTE_KB = 40;

function kilobytes(files: Iterable<string>): number {
  return [...files].reduce((sum, file) => sum + gzipSync(readFileSync(resolve(DIST, file))).length, 0) / 1_000;
}

function needs(name: string, found = new Set<string>()): Set<string> {
  const chunk = manifest[name]!;
  if (found.has(chunk.file)) return found;
  found.add(chunk.file);
  for (const each of chunk.css ?? []) found.add(each);
  for (const each of chunk.imports ?? []) needs(each, found);
  return found;
}

const entry = Object.keys(manifest).find((name) => manifest[name]!.isEntry)!;
const frame = new Set([
  ...needs(entry),
  ...Object.keys(manifest)
    .filter((name) => name.startsWith("src/routes/_app.tsx"))
    .flatMap((name) => [...needs(name)]),
]);

describe("sizes, compressed", () => {
  it(`loads at most ${ENTRY_KB} KB before any page of the signed-in part`, () => {
    expect(kilobytes(frame)).toBeLessThanOrEqual(ENTRY_KB);
  });

  const routes = Object.keys(manifest).filter((name) => manifest[name]!.isDynamicEntry);
  it.each(routes)(`%s adds at most ${ROUTE_KB} KB`, (name) => {
    const own = [...needs(name)].filter((file) => !frame.has(file));
    expect(kilobytes(own)).toBeLessThanOrEqual(ROUTE_KB);
  });
});
