import { describe, expect, it } from "vitest";
import { backOffMs, isTouched } from "@/lib/live";

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
