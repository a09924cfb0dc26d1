import { describe, expect, it } from "vitest";
import { filtersOf, hiddenColumns, shownColumns } from "@/lib/saved-view";

const COLUMNS = [{ id: "amount" }, { id: "status" }, { id: "error", hiddenAtFirst: true }];

describe("a view", () => {
  it("keeps filters as lists, and not the place in the list", () => {
    const search = { status: ["failed", "expired"], currency: "INR", cursor: "pay_1", method: undefined };
    expect(filtersOf(search)).toEqual({ status: ["failed", "expired"], currency: ["INR"] });
  });

  it("keeps columns only when they are not the usual ones", () => {
    expect(shownColumns(COLUMNS, new Set(["error"]))).toBeNull();
    expect(shownColumns(COLUMNS, new Set(["status"]))).toEqual(["amount", "error"]);
  });

  it("hides what it did not show, and columns that came later", () => {
    expect(hiddenColumns(COLUMNS, ["amount", "error"])).toEqual(new Set(["status"]));
    expect(hiddenColumns(COLUMNS, null)).toEqual(new Set(["error"]));
    expect(hiddenColumns(COLUMNS, ["amount", "gone"])).toEqual(new Set(["status", "error"]));
  });
});
