// @vitest-environment jsdom
import { describe, expect, it } from "vitest";
import { safeNext } from "@/shell/leaving";

describe("where a log-in leads", () => {
  it("is a page of this site", () => {
    expect(safeNext("/payments/pay_1?tab=refunds")).toBe("/payments/pay_1?tab=refunds");
    expect(safeNext(undefined)).toBe("/");
  });

  it("is never another site", () => {
    for (const hostile of [
      "//evil.example",
      "https://evil.example",
      "/\\evil.example",
      "javascript:alert(1)",
      "/\t/evil.example",
      "/.//evil.example",
      "/payments/..//evil.example",
    ]) {
      expect(safeNext(hostile)).toBe("/");
    }
  });
});
