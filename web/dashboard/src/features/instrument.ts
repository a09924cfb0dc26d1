import type { components } from "@/api/schema";
import { named } from "@/lib/words";

type Payment = components["schemas"]["PaymentResource"];

const WALLETS: Readonly<Record<string, string>> = {
  paypal: "PayPal",
  paytm: "Paytm",
  phonepe: "PhonePe",
  amazonpay: "Amazon Pay",
  mobikwik: "MobiKwik",
  freecharge: "Freecharge",
  airtelmoney: "Airtel Money",
  jiomoney: "JioMoney",
};

/** How the customer paid, short: "Visa •••• 4242", "ann@upi", "HDFC", "PhonePe". */
export function instrumentOf(payment: Payment): string {
  if (payment.card) return `${named(payment.card.brand)} •••• ${payment.card.last4}`;
  if (payment.wallet) return WALLETS[payment.wallet.code] ?? payment.wallet.code;
  return payment.vpa ?? payment.bank?.code ?? named(payment.method);
}

export function customerOf(payment: Payment): string | null {
  const customer = payment.customer;
  return customer ? (customer.name ?? customer.email ?? customer.id ?? customer.phone ?? null) : null;
}
