import { describe, expect, it } from "vitest";
import { refundable } from "@/lib/refundable";

const PAID = { amount_captured: 50_000, status: "success" };

describe("what can be refunded", () => {
  it("is less by refunds that are processed, promised or in doubt, and not by those that failed", () => {
    const refunds = [
      { amount: 10_000, status: "processed" },
      { amount: 5_000, status: "pending" },
      { amount: 1_000, status: "needs_review" },
      { amount: 7_000, status: "failed" },
      { amount: 3_000, status: "reversed" },
    ];
    expect(refundable(PAID, refunds)).toBe(34_000);
  });

  it("is nothing when nothing was captured, and never less", () => {
    expect(refundable({ amount_captured: 0, status: "authorized" }, [])).toBe(0);
    expect(refundable(PAID, [{ amount: 60_000, status: "processed" }])).toBe(0);
  });
});
