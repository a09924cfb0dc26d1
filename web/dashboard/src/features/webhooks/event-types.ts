import type { components } from "@/api/schema";

export type EventTypeName = components["schemas"]["EventType"];

/** The event types that an endpoint may ask for, by kind. `endpoint.test` is sent only when it is asked for. */
export const EVENT_TYPES: Record<string, EventTypeName[]> = {
  payment: [
    "payment.created",
    "payment.requires_action",
    "payment.processing",
    "payment.authorized",
    "payment.captured",
    "payment.success",
    "payment.failed",
    "payment.attempt_failed",
    "payment.retrying",
    "payment.retried",
    "payment.cancelled",
    "payment.expired",
    "payment.needs_review",
    "payment.contradicted",
  ],
  refund: [
    "refund.created",
    "refund.processed",
    "refund.failed",
    "refund.reversed",
    "refund.needs_review",
    "refund.contradicted",
  ],
  gateway: [
    "gateway.breaker_opened",
    "gateway.breaker_closed",
    "gateway.unhealthy",
    "gateway.healthy",
    "gateway.degraded",
    "gateway.restored",
  ],
  reconciliation: ["reconciliation.completed", "reconciliation.failed"],
};

/** "all events", or how many of them. */
export function subscribed(types: string[]): string {
  if (types.includes("*")) return "All events";
  return types.length === 1 ? (types[0] ?? "") : `${types.length} event types`;
}
