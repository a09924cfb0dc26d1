import { expect, test } from "vitest";
import { captures, currencies, kindName, methodsWords, refunds, upiWays } from "./words";

const able = {
  methods: ["upi" as const],
  currencies: null,
  upi_intent: true,
  upi_collect: true,
  manual_capture: true,
  partial_capture: true,
  repeated_capture: true,
  refund: true,
  partial_refund: true,
};

test("gateways are named as they write themselves", () => {
  expect(["stripe", "paypal", "custom"].map(kindName)).toEqual(["Stripe", "PayPal", "Custom gateway"]);
});

test("methods are named within a sentence", () => {
  expect(methodsWords(["upi", "card", "wallet"])).toBe("UPI, card, and wallet");
});

test("currencies: every one, some, or those of the settings", () => {
  expect(currencies(able)).toBe("Every currency");
  expect(currencies({ ...able, currencies: ["EUR", "USD"] })).toBe("EUR, USD");
  expect(currencies({ ...able, currencies: [] })).toBe("As its settings say");
});

test("a gateway that cannot do something says what it does instead", () => {
  expect(captures({ ...able, manual_capture: false })).toBe("No: it takes the money at once");
  expect(captures({ ...able, partial_capture: false })).toBe("Yes, the whole amount");
  expect(captures({ ...able, repeated_capture: false })).toBe("Yes, once: all or a part");
  expect(captures(able)).toBe("Yes, also in several parts");
  expect(refunds({ ...able, refund: false })).toBe("Not from here: refund in its own dashboard");
  expect(refunds({ ...able, partial_refund: false })).toBe("In full only");
  expect(upiWays(able)).toBe("By a QR code, an app link, or a UPI ID");
  expect(upiWays({ ...able, upi_intent: false })).toBe("By a UPI ID");
});
