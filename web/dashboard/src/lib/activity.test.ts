import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { actsByItself, followActs, THERE_MS } from "@/lib/activity";

describe("whether the page acts by itself", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it("does once nobody has touched it for a minute, and does not after the next touch", () => {
    const page = new EventTarget();
    const stop = followActs(page);
    page.dispatchEvent(new Event("pointerdown"));
    expect(actsByItself()).toBe(false);
    vi.advanceTimersByTime(THERE_MS - 1);
    expect(actsByItself()).toBe(false);
    vi.advanceTimersByTime(1);
    expect(actsByItself()).toBe(true);
    page.dispatchEvent(new Event("keydown"));
    expect(actsByItself()).toBe(false);
    stop();
  });
});
