/** "needs_review" -> "Needs review"; what has a better name is named here. */
const NAMES: Readonly<Record<string, string>> = {
  upi: "UPI",
  card: "Card",
  netbanking: "Netbanking",
  paypal: "PayPal",
  success: "Succeeded",
  retrying: "Retrying",
  requires_action: "Needs customer",
  needs_review: "Under review",
};

export function named(value: string): string {
  const known = NAMES[value];
  if (known) return known;
  const text = value.replaceAll(/[_.]/g, " ").replaceAll(/\b(api|upi|url|vpa)\b/g, (short) => short.toUpperCase());
  return text.charAt(0).toUpperCase() + text.slice(1);
}

export type Tone = "neutral" | "success" | "danger" | "warning" | "info";

const TONES: Readonly<Record<string, Tone>> = {
  success: "success",
  succeeded: "success",
  processed: "success",
  delivered: "success",
  paid: "success",
  enabled: "success",
  healthy: "success",
  active: "success",
  failed: "danger",
  unhealthy: "danger",
  reversed: "danger",
  needs_review: "warning",
  unknown: "warning",
  degraded: "warning",
  attempted: "info",
  authorized: "info",
  processing: "info",
  pending: "info",
  requires_action: "info",
  retrying: "info",
};

export function toneOf(status: string): Tone {
  return TONES[status] ?? "neutral";
}

/** "payment.requires_action" -> "Payment requires action". */
export function eventName(type: string): string {
  return named(type.replace(/\.success$/, ".succeeded"));
}

/** "user:usr_…" -> "a person"; the parts of the API name themselves. */
export function actorName(actor: string | null | undefined): string {
  if (!actor) return "Clearway";
  const [kind, ...rest] = actor.split(":");
  const id = rest.join(":").replace(/^user:/, ""); // an operator who is signed in is "operator:user:usr_…"
  const names: Record<string, string> = {
    system: "Clearway",
    gateway: "Gateway",
    customer: "Customer",
    merchant: "Merchant",
    key: `API key ${id}`,
    user: `Member ${id}`,
    operator: `Operator ${id}`,
  };
  return (names[kind ?? ""] ?? actor).trim();
}
