import { raw } from "@/api/raw";
import type { components } from "@/api/schema";
import type { TestValue } from "@/features/testing/value-list";

type Payment = components["schemas"]["PaymentResource"];

/** Any future date is good. American Express has four digits. */
const EXPIRY = { expiry_month: 12, expiry_year: 2040 };

function instrumentOf({ field, value }: TestValue): Record<string, unknown> {
  switch (field) {
    case "card":
      return {
        card: { number: value, ...EXPIRY, cvv: /^3[47]/.test(value) ? "1234" : "123", holder_name: "Test Customer" },
      };
    case "vpa":
      return { vpa: value };
    case "amount":
      return { vpa: "someone@bank" };
    default:
      return { [field]: { code: value } };
  }
}

export type TestPayment = { value: TestValue; amount: number; byHand: boolean; gatewayId: string | undefined };

/** Makes an order and pays it with a test value, as a merchant's server does. A repeat with the same key pays once. */
export async function payTest({ value, amount, byHand, gatewayId }: TestPayment, key: string): Promise<Payment> {
  const order = await raw(
    "POST",
    "/orders",
    { amount, currency: "INR", receipt: "Testing tools" },
    {
      "Idempotency-Key": `${key}-order`,
    },
  );
  const body = {
    order_id: order.id,
    method: value.method,
    capture_method: byHand ? "manual" : "automatic",
    ...(gatewayId ? { gateway_id: gatewayId } : {}),
    ...instrumentOf(value),
  };
  return raw("POST", "/payments", body, { "Idempotency-Key": `${key}-payment` });
}
