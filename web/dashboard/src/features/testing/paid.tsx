import { Link } from "@tanstack/react-router";
import { ExternalLink } from "lucide-react";
import { api } from "@/api/client";
import { money } from "@/lib/money";
import { Status } from "@/ui/badge";
import { Button } from "@/ui/button";
import { Card } from "@/ui/card";
import { Copyable } from "@/ui/copy";
import { ApiErrorNote } from "@/ui/note";
import { Fact, Facts } from "@/ui/page";
import { Loaded } from "@/ui/states";

const ENDED = new Set(["success", "failed", "cancelled", "expired", "authorized", "needs_review"]);

/** The test payment while it is decided. */
export function Paid({ paymentId }: { paymentId: string }) {
  const query = api.useQuery(
    "get",
    "/api/v1/payments/{payment_id}",
    { params: { path: { payment_id: paymentId } } },
    { refetchInterval: ({ state }) => (state.data && ENDED.has(state.data.status) ? false : 1_500) },
  );
  return (
    <Card title="The payment" hint="It goes the way of every payment: workflow, gateway, ledger and webhooks.">
      <div aria-live="polite">
        <Loaded query={query}>
          {(payment) => (
            <>
              <Facts>
                <Fact name="Status">
                  <span data-testid="test-payment-status" data-status={payment.status}>
                    <Status value={payment.status} />
                  </span>
                </Fact>
                <Fact name="Amount">{money(payment.amount, payment.currency)}</Fact>
                <Fact name="Payment">
                  <Copyable text={payment.id} what="payment id" />
                </Fact>
              </Facts>
              {payment.error_code && (
                <ApiErrorNote code={payment.error_code} text={payment.error_description ?? null} />
              )}
              <div className="mt-4 flex flex-wrap gap-2">
                <Button asChild>
                  <Link to="/payments/$paymentId" params={{ paymentId: payment.id }}>
                    Open the payment
                  </Link>
                </Button>
                {payment.next_action && (
                  <Button asChild look="primary">
                    <a href={payment.next_action.url} target="_blank" rel="noreferrer">
                      <ExternalLink aria-hidden /> Act as the customer
                    </a>
                  </Button>
                )}
              </div>
            </>
          )}
        </Loaded>
      </div>
    </Card>
  );
}
