import { QueryClient } from "@tanstack/react-query";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { backOffMs, isTouched, Live } from "@/lib/live";

const PAYMENT = { subject_type: "payment", subject_id: "pay_1", payment_id: "pay_1" };

describe("live updates", () => {
  it("waits longer after each failure, between one and about ten seconds, and never in step with others", () => {
    for (let failures = 0; failures < 30; failures += 1) {
      expect(backOffMs(failures, 0)).toBe(1_000);
      expect(backOffMs(failures, 1)).toBeLessThanOrEqual(10_500);
    }
    expect(backOffMs(4, 1)).toBeGreaterThan(backOffMs(0, 1));
  });

  it("refreshes what an event is about, and leaves the rest alone", () => {
    expect(isTouched("/api/v1/payments", PAYMENT)).toBe(true);
    expect(isTouched("/api/v1/payments/{payment_id}/history", PAYMENT)).toBe(true);
    expect(isTouched("/api/v1/statistics/overview", PAYMENT)).toBe(true);
    expect(isTouched("/api/v1/routing", PAYMENT)).toBe(false);
    expect(isTouched("/api/v1/gateways", { subject_type: "gateway", subject_id: "gw_1", payment_id: null })).toBe(true);
  });
});

/** A socket of which the test decides what it hears, also after it was left. */
class FakeSocket {
  static opened: FakeSocket[] = [];
  onmessage: ((message: { data: string }) => void) | null = null;
  onopen: (() => void) | null = null;
  onclose: ((closing: { code: number }) => void) | null = null;
  close = vi.fn();

  constructor(readonly url: string) {
    FakeSocket.opened.push(this);
  }

  says(message: object): void {
    this.onmessage?.({ data: JSON.stringify(message) });
  }
}

describe("another merchant is chosen", () => {
  const event = { type: "event", id: "evt_1", event_type: "payment.success", ...PAYMENT };
  const hello = (merchant_id: string) => ({ type: "hello", merchant_id, heartbeat_s: 25 });

  beforeEach(() => {
    FakeSocket.opened = [];
    vi.useFakeTimers();
    vi.stubGlobal("navigator", {});
    vi.stubGlobal("window", { location: { protocol: "https:", host: "clearway.test" } });
    vi.stubGlobal("WebSocket", FakeSocket);
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  function following() {
    const queries = new QueryClient();
    const refreshed = vi.spyOn(queries, "invalidateQueries").mockResolvedValue();
    const live = new Live(queries, () => {});
    live.follow("mer_a", "usr_1");
    const [first] = FakeSocket.opened as [FakeSocket];
    first.says(hello("mer_a"));
    refreshed.mockClear();
    return { live, first, refreshed };
  }

  it("refreshes what an event is about a moment later", () => {
    const { first, refreshed } = following();
    first.says(event);
    vi.advanceTimersByTime(1_000);
    expect(refreshed).toHaveBeenCalledTimes(1);
  });

  it("drops the events of the former one that were gathered and not acted on", () => {
    const { live, first, refreshed } = following();
    first.says(event);
    live.follow("mer_b", "usr_1");
    vi.advanceTimersByTime(1_000);
    expect(first.close).toHaveBeenCalledTimes(1);
    expect(refreshed).not.toHaveBeenCalled();
  });

  it("hears nothing more of the socket that was left, and does not take its greeting for that of the new one", () => {
    const { live, first, refreshed } = following();
    live.follow("mer_b", "usr_1");
    first.says(event);
    first.says(hello("mer_a"));
    first.says({ type: "resync" });
    vi.advanceTimersByTime(1_000);
    expect(refreshed).not.toHaveBeenCalled();
    expect(live.state).toEqual({ kind: "connecting" });
    const [, second] = FakeSocket.opened as [FakeSocket, FakeSocket];
    expect(second.url).toContain("merchant_id=mer_b");
    second.says(hello("mer_b"));
    expect(live.state).toEqual({ kind: "connected" });
  });
});
