import { api } from "@/api/client";
import { ApiError } from "@/api/errors";
import { Decision } from "@/features/routing/decision";
import { Card } from "@/ui/card";
import { Loaded } from "@/ui/states";

/** Why the payment went to its gateway. */
export function Routing({ paymentId }: { paymentId: string }) {
  const query = api.useQuery("get", "/api/v1/payments/{payment_id}/routing", {
    params: { path: { payment_id: paymentId } },
  });
  if (query.error instanceof ApiError && query.error.status === 404) return null;
  return (
    <Card title="Why this gateway">
      <Loaded query={query}>{(decision) => <Decision decision={decision} />}</Loaded>
    </Card>
  );
}
