import type { components } from "@/api/schema";
import { Status } from "@/ui/badge";

export type Payment = components["schemas"]["PaymentResource"];

/** A paid payment of which money went back says so, as its status alone would not. */
export function PaymentStatus({ payment }: { payment: Payment }) {
  if (payment.amount_refunded > 0 && payment.status === "success") {
    return (
      <Status
        value="success"
        label={payment.amount_refunded >= payment.amount_captured ? "Refunded" : "Partly refunded"}
      />
    );
  }
  return <Status value={payment.status} />;
}
