// @vitest-environment jsdom
import { describe, expect, it } from "vitest";
import { accountName } from "@/features/payment/money";

describe("ledger accounts", () => {
  it("are named without the ids of those they belong to", () => {
    expect(accountName("gateway/gw_01k9w2e3r4t5y6q7w8e9r0t1y2/receivable")).toBe("Gateway: receivable");
    expect(accountName("merchant/mer_01k9w2e3r4t5y6q7w8e9r0t1y2/refunds_in_transit")).toBe(
      "Merchant: refunds in transit",
    );
    expect(accountName("bank")).toBe("Bank");
  });
});
