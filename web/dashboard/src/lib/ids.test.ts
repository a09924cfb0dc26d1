import { describe, expect, it } from "vitest";
import { placeOf } from "@/lib/ids";
import { parseSearch, stringifySearch } from "@/lib/search";

describe("pasted texts", () => {
  it("lead to the page of what they name", () => {
    expect(placeOf(" pay_01k9w2e3r4t5y6q7w8e9r0t1y2 ")).toBe("/payments/pay_01k9w2e3r4t5y6q7w8e9r0t1y2");
    expect(placeOf("rfnd_01k9w2e3r4t5y6q7w8e9r0t1y2")).toBe("/refunds/rfnd_01k9w2e3r4t5y6q7w8e9r0t1y2");
    expect(placeOf("ann@example.test")).toBe("/customers?q=ann%40example.test");
    expect(placeOf("anything else")).toBeNull();
  });
});

describe("addresses", () => {
  it("keep filters readable, and read back what they wrote", () => {
    const filters = { status: ["failed", "expired"], search: "a&b=ü", cursor: undefined };
    const text = stringifySearch(filters);
    expect(text).toBe("?status=failed&status=expired&search=a%26b%3D%C3%BC");
    expect(parseSearch(text)).toEqual({ status: ["failed", "expired"], search: "a&b=ü" });
  });
});
