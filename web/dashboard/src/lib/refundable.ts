type Refund = { amount: number; status: string };

const HOLDS = new Set(["pending", "needs_review", "processed"]);

/** What can still go back: what was captured, less what went back and what is promised or in doubt. */
export function refundable(payment: { amount_captured: number; status: string }, refunds: Refund[]): number {
  const held = refunds.filter((refund) => HOLDS.has(refund.status)).reduce((sum, refund) => sum + refund.amount, 0);
  return Math.max(0, payment.amount_captured - held);
}
