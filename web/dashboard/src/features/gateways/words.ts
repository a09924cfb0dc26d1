import type { components } from "@/api/schema";
import { named } from "@/lib/words";

type Capabilities = components["schemas"]["GatewayCapabilities"];

export function kindName(kind: string): string {
  return kind === "custom" ? "Custom gateway" : named(kind);
}

export function percent(rate: number | null | undefined): string {
  return rate === null || rate === undefined ? "–" : `${(rate * 100).toFixed(1)} %`;
}

const both = new Intl.ListFormat("en", { type: "conjunction" });
const either = new Intl.ListFormat("en", { type: "disjunction" });

/** "UPI, card, and wallet": within a sentence. */
export function methodsWords(methods: readonly string[]): string {
  return both.format(methods.map((method) => (method === "upi" ? named(method) : named(method).toLowerCase())));
}

export function currencies({ currencies: found }: Capabilities): string {
  if (found === null) return "Every currency";
  return found.length === 0 ? "As its settings say" : found.join(", ");
}

/** How it takes UPI, for people who choose methods. */
export function upiWays({ upi_intent, upi_collect }: Capabilities): string {
  const ways = [...(upi_intent ? ["a QR code", "an app link"] : []), ...(upi_collect ? ["a UPI ID"] : [])];
  return ways.length ? `By ${either.format(ways)}` : "";
}

export function captures({ manual_capture, partial_capture, repeated_capture }: Capabilities): string {
  if (!manual_capture) return "No: it takes the money at once";
  if (!partial_capture) return "Yes, the whole amount";
  return repeated_capture ? "Yes, also in several parts" : "Yes, once: all or a part";
}

export function refunds({ refund, partial_refund }: Capabilities): string {
  if (!refund) return "Not from here: refund in its own dashboard";
  return partial_refund ? "In full or in part" : "In full only";
}
