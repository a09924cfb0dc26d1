import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "@/api/client";
import { messageOf } from "@/api/errors";
import { CancelDialog } from "@/features/cancel-dialog";
import { toast } from "@/lib/toast";

/** Cancels an order, so that nobody can pay it; a payment in progress is called off at its gateway first. */
export function CancelOrderDialog({ orderId, onClose }: { orderId: string; onClose: () => void }) {
  const queries = useQueryClient();
  const [error, setError] = useState<string | null>(null);
  const cancel = api.useMutation("post", "/api/v1/orders/{order_id}/cancel");
  return (
    <CancelDialog
      what="order"
      description="Nobody can pay it afterwards. A payment in progress is called off at its gateway first; if the customer has paid in the meantime, the order stays paid."
      busy={cancel.isPending}
      error={error}
      onClose={onClose}
      onCancel={(key, body) =>
        cancel.mutate(
          { params: { path: { order_id: orderId }, header: { "Idempotency-Key": key } }, ...body },
          {
            onSuccess: () => {
              toast.success("The order is cancelled");
              void queries.invalidateQueries();
              onClose();
            },
            onError: (problem: unknown) => {
              setError(messageOf(problem));
              void queries.invalidateQueries();
            },
          },
        )
      }
    />
  );
}
