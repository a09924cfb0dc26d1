import { useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { RotateCw } from "lucide-react";
import { useState } from "react";
import { api } from "@/api/client";
import { messageOf } from "@/api/errors";
import { duration, fullTime } from "@/lib/time";
import { toast } from "@/lib/toast";
import { eventName } from "@/lib/words";
import { Allowed } from "@/session";
import { usePolling } from "@/shell/live";
import { Status } from "@/ui/badge";
import { Button } from "@/ui/button";
import { Card } from "@/ui/card";
import { Moment } from "@/ui/moment";
import { Loaded } from "@/ui/states";

/** The webhooks about a payment and its refunds, each with its delivery attempts. */
export function Deliveries({ paymentId }: { paymentId: string }) {
  const query = api.useQuery(
    "get",
    "/api/v1/payments/{payment_id}/webhooks",
    { params: { path: { payment_id: paymentId }, query: { limit: 50 } } },
    { refetchInterval: usePolling() },
  );
  const [open, setOpen] = useState<string | null>(null);
  return (
    <Card title="Webhooks" hint="What was sent to your endpoints about this payment.">
      <Loaded query={query}>
        {({ data }) =>
          data.length === 0 ? (
            <p className="text-[13px] text-subtle">
              No endpoint subscribed to the events of this payment.{" "}
              <Link to="/webhooks" className="text-primary underline underline-offset-2">
                Add one
              </Link>
            </p>
          ) : (
            <ul className="divide-y divide-border">
              {data.map((delivery) => (
                <li key={delivery.id} className="py-2 first:pt-0 last:pb-0">
                  <button
                    type="button"
                    aria-expanded={open === delivery.id}
                    className="flex w-full flex-wrap items-center justify-between gap-2 rounded text-left"
                    onClick={() => setOpen(open === delivery.id ? null : delivery.id)}
                  >
                    <span className="font-medium">{eventName(delivery.event_type)}</span>
                    <Status value={delivery.status} />
                    <span className="w-full text-[13px] text-subtle">
                      {delivery.attempt_count} {delivery.attempt_count === 1 ? "attempt" : "attempts"}
                      {delivery.last_response_status !== null && ` · answered ${delivery.last_response_status}`}
                      {delivery.last_error && ` · ${delivery.last_error}`}
                    </span>
                  </button>
                  {open === delivery.id && <DeliveryAttempts id={delivery.id} />}
                </li>
              ))}
            </ul>
          )
        }
      </Loaded>
    </Card>
  );
}

function DeliveryAttempts({ id }: { id: string }) {
  const queries = useQueryClient();
  const query = api.useQuery("get", "/api/v1/webhooks/{delivery_id}", { params: { path: { delivery_id: id } } });
  const retry = api.useMutation("post", "/api/v1/webhooks/{delivery_id}/retry");
  return (
    <div className="mt-2 rounded-lg bg-muted/60 p-3">
      <Loaded query={query}>
        {(delivery) => (
          <>
            <ol className="grid gap-3">
              {delivery.attempts.map((attempt) => (
                <li key={attempt.number} className="text-[13px]">
                  <p>
                    <strong className="font-medium">{attempt.number}.</strong> {fullTime(attempt.created_at)} ·{" "}
                    {attempt.response ? `answered ${attempt.response.status}` : (attempt.error ?? "no answer")} ·{" "}
                    {duration(attempt.duration_ms)}
                  </p>
                  <details className="mt-1">
                    <summary className="cursor-pointer text-subtle">Request and response</summary>
                    <pre
                      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by the keyboard
                      tabIndex={0}
                      role="region"
                      aria-label="Request and response"
                      className="mt-1 max-h-64 overflow-auto rounded bg-surface p-2 font-mono text-xs break-all whitespace-pre-wrap"
                    >
                      {`POST ${attempt.request.url}\n\n${attempt.request.body}`}
                      {attempt.response ? `\n\n${attempt.response.status}\n${attempt.response.body}` : ""}
                    </pre>
                  </details>
                </li>
              ))}
            </ol>
            {delivery.next_attempt_at && (
              <p className="mt-2 text-[13px] text-subtle">
                Next attempt: <Moment at={delivery.next_attempt_at} />
              </p>
            )}
            <Allowed permission="deliveries:write">
              <Button
                size="sm"
                className="mt-3"
                busy={retry.isPending}
                onClick={() =>
                  retry.mutate(
                    { params: { path: { delivery_id: id } } },
                    {
                      onSuccess: (done) => {
                        if (done.status === "delivered") toast.success("Delivered");
                        else toast.message("Sent; the endpoint did not accept it", done.attempt?.error ?? undefined);
                        void queries.invalidateQueries();
                      },
                      onError: (error: unknown) => toast.error("Not sent", messageOf(error)),
                    },
                  )
                }
              >
                <RotateCw aria-hidden /> Send again
              </Button>
            </Allowed>
          </>
        )}
      </Loaded>
    </div>
  );
}
