import { describe, expect, it } from "vitest";
import { atLeast, money, percent, plural, toDecimal, toMinor } from "@/lib/money";

describe("numbers in words", () => {
  it("says one thing in the singular, and all else in the plural", () => {
    expect(plural(1, "refund")).toBe("1 refund");
    expect(plural(0, "refund")).toBe("0 refunds");
    expect(plural(2, "delivery", "deliveries")).toBe("2 deliveries");
  });

  it("says that what was not counted in whole may be more", () => {
    expect(atLeast("500,000", true)).toBe("500,000");
    expect(atLeast("500,000", false)).toBe("500,000 or more");
    expect(plural(500_000, "delivery", "deliveries", false)).toBe("500,000 or more deliveries");
  });
});

describe("amounts", () => {
  it("turns minor units into decimals exactly, also beyond what a float can hold", () => {
    expect(toDecimal(5, "INR")).toBe("0.05");
    expect(toDecimal(123_456, "JPY")).toBe("123456");
    expect(toDecimal(1_234, "BHD")).toBe("1.234");
    expect(toDecimal(-1, "USD")).toBe("-0.01");
    expect(toDecimal(9_007_199_254_740_991, "INR")).toBe("90071992547409.91");
  });

  it("reads what a person types, and nothing that the currency cannot express", () => {
    expect(toMinor("12.5", "INR")).toBe(1_250);
    expect(toMinor(" 1,234.50 ", "USD")).toBe(123_450);
    expect(toMinor("12.345", "USD")).toBeNull();
    expect(toMinor("1.5", "JPY")).toBeNull();
    expect(toMinor("1.234", "BHD")).toBe(1_234);
    for (const wrong of ["", "abc", "-5", "1e3", "1.", ".5"]) expect(toMinor(wrong, "INR")).toBeNull();
  });

  it("shows the digits of ISO 4217, whatever the browser thinks", () => {
    expect(money(1_234, "IQD")).toContain("1.234");
    expect(money(500, "JPY")).toContain("500");
  });

  it("shows a dash where there is nothing to divide by", () => {
    expect(percent(null)).toBe("–");
    expect(percent(0.9731)).toBe("97.3 %");
  });
});
