import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { join, type Seat } from "@/lib/tabs";

type Said = { text: string };

/** As browsers do it: one holder of a name, the others wait in turn. */
class Locks {
  private waiting = new Map<string, (() => void)[]>();

  request(name: string, { signal }: { signal: AbortSignal }, act: () => Promise<void> | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const turns = this.waiting.get(name) ?? [];
      this.waiting.set(name, turns);
      const take = () => void Promise.resolve(act()).then(resolve).finally(next);
      const next = () => {
        turns.splice(turns.indexOf(take), 1);
        turns[0]?.();
      };
      turns.push(take);
      signal.addEventListener("abort", () => {
        if (turns.indexOf(take) > 0) {
          turns.splice(turns.indexOf(take), 1);
          reject(signal.reason);
        }
      });
      if (turns[0] === take) take();
    });
  }
}

const seats: Seat<Said>[] = [];

function tab(name = "one") {
  const heard: string[] = [];
  const lead = vi.fn();
  const seat = join<Said>(name, { lead, hear: ({ text }) => heard.push(text), greet: () => ({ text: "greeting" }) });
  seats.push(seat);
  return { heard, lead, seat };
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 20));

beforeEach(() => vi.stubGlobal("navigator", { locks: new Locks() }));
afterEach(() => {
  for (const seat of seats.splice(0)) seat.leave();
  vi.unstubAllGlobals();
});

describe("tabs of a browser", () => {
  it("let one lead, and greet who comes", async () => {
    const [first, second, elsewhere] = [tab(), tab(), tab("another")];
    await settled();
    expect([first, second, elsewhere].map(({ lead }) => lead.mock.calls.length)).toEqual([1, 0, 1]);
    expect(second.heard).toEqual(["greeting"]);
    first.seat.say({ text: "change" });
    await settled();
    expect([first.heard, second.heard, elsewhere.heard]).toEqual([[], ["greeting", "change"], []]);
  });

  it("let the next one lead when the first has left, and nobody who left meanwhile", async () => {
    const [first, second, third] = [tab(), tab(), tab()];
    second.seat.leave();
    first.seat.leave();
    await settled();
    expect([second.lead.mock.calls.length, third.lead.mock.calls.length]).toEqual([0, 1]);
  });

  it("lead each for itself where the browser has no locks", () => {
    vi.stubGlobal("navigator", {});
    expect([tab(), tab()].map(({ lead }) => lead.mock.calls.length)).toEqual([1, 1]);
  });
});
