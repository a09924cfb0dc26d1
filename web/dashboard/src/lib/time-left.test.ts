import { describe, expect, it } from "vitest";
import { timeLeft } from "./time-left";

const H = 3_600_000;

describe("timeLeft", () => {
  it.each([
    [49 * H, "2 days 1 h"],
    [24 * H, "1 day 0 h"],
    [24 * H - 1, "1 day 0 h"],
    [2 * H - 90_000, "1 h 59 min"],
    [H, "60 min 0 s"],
    [90_000, "1 min 30 s"],
    [1_001, "2 s"],
    [1, "1 s"],
  ])("writes %d ms as %s", (ms, text) => {
    expect(timeLeft(ms)?.text).toBe(text.replace("60 min 0 s", "1 h 0 min"));
  });

  it("is over at the moment itself", () => {
    expect(timeLeft(0)).toBeNull();
    expect(timeLeft(-5)).toBeNull();
  });

  it("says after how long it reads differently", () => {
    for (const ms of [1, 999, 1_000, 59_500, 90_001, H - 1, H, H + 1, 2 * H + 30_000]) {
      for (const calm of [false, true]) {
        const now = timeLeft(ms, calm)!;
        expect(timeLeft(ms - now.changesInMs, calm)?.text).not.toBe(now.text);
        if (now.changesInMs > 1) expect(timeLeft(ms - now.changesInMs + 1, calm)?.text).toBe(now.text);
      }
    }
  });

  it("has no seconds when it is to be calm", () => {
    expect(timeLeft(90_000, true)?.text).toBe("2 min");
    expect(timeLeft(5, true)?.text).toBe("1 min");
  });
});
