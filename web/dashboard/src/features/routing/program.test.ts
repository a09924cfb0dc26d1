import { describe, expect, it } from "vitest";
import { completed, movedTo, placeIn, problemsOf } from "@/features/routing/program";
import { conditionWords, lackedWords, outputWords, whenWords } from "@/features/routing/words";

const program = completed({
  rules: [
    {
      name: "Large cards",
      statements: [
        {
          conditions: [
            { field: "method", is: "one_of", value: ["card", "upi"] },
            { field: "amount", is: "at_least", value: 10_000, currency: "JPY" },
          ],
        },
      ],
      output: {
        type: "split",
        shares: [
          { percent: 80, gateways: ["gw_a"] },
          { percent: 10, gateways: ["gw_b"] },
        ],
      },
    },
  ],
});

describe("places of problems", () => {
  it("leave out the kinds that only the API's own path has", () => {
    expect(placeIn(program, "rules.0.statements.0.conditions.1.amount.currency")).toBe(
      "rules.0.statements.0.conditions.1.currency",
    );
    expect(placeIn(program, "rules.0.output.split.shares.1.percent")).toBe("rules.0.output.shares.1.percent");
    expect(placeIn(program, "rules.0.output.shares.0.gateways.0")).toBe("rules.0.output.shares.0.gateways.0");
  });

  it("keep a text with colons whole", () => {
    expect(problemsOf(["rules.0.output.split: The percentages sum to 90: make them 100"], program)).toEqual([
      { place: "rules.0.output", text: "The percentages sum to 90: make them 100" },
    ]);
  });
});

describe("words", () => {
  it("say conditions and outputs as a person would", () => {
    expect(whenWords(program.rules[0]!)).toEqual(["method is Card or UPI and amount is at least ¥10,000"]);
    expect(conditionWords({ field: "country", is: "none_of", value: ["IN", "DE"] })).toBe(
      "country is none of IN or DE",
    );
    expect(conditionWords({ field: "card_bin", is: "one_of", value: ["4111"] })).toBe("card number begins with 4111");
    expect(outputWords(program.rules[0]!.output, (id) => id.slice(3))).toBe("80 % a; 10 % b");
  });

  it("find the condition that a payment did not meet", () => {
    expect(lackedWords(program, "Large cards", "statements.0.conditions.1 (amount)")).toBe(
      "amount is at least ¥10,000",
    );
    expect(lackedWords(null, "Large cards", "statements.0.conditions.1 (amount)")).toBe(
      "statements.0.conditions.1 (amount)",
    );
  });
});

it("moves an item to a place", () => {
  expect(movedTo(["a", "b", "c"], 0, 2)).toEqual(["b", "c", "a"]);
  expect(movedTo(["a", "b", "c"], 2, 0)).toEqual(["c", "a", "b"]);
});
