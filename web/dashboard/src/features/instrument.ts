import type { components } from "@/api/schema";
import { named } from "@/lib/words";

type Payment = components["schemas"]["PaymentResource"];

/** How the customer paid, short: "Visa •••• 4242", "ann@upi", "HDFC". */
export function instrumentOf(payment: Payment): string {
  if (payment.card) return `${named(payment.card.brand)} •••• ${payment.card.last4}`;
  return payment.vpa ?? payment.bank?.code ?? payment.wallet?.code ?? named(payment.method);
}

export function customerOf(payment: Payment): string | null {
  const customer = payment.customer;
  return customer ? (customer.name ?? customer.email ?? customer.id ?? customer.phone ?? null) : null;
}
