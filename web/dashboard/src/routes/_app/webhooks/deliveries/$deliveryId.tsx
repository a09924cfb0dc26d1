import { useQueryClient } from "@tanstack/react-query";
import { createFileRoute, Link } from "@tanstack/react-router";
import { RotateCw } from "lucide-react";
import { useState } from "react";
import { api } from "@/api/client";
import { ApiError, messageOf } from "@/api/errors";
import type { components } from "@/api/schema";
import { Elsewhere } from "@/features/elsewhere";
import { duration, fullTime } from "@/lib/time";
import { toast } from "@/lib/toast";
import { eventName, named } from "@/lib/words";
import { Allowed } from "@/session";
import { usePolling } from "@/shell/live";
import { Badge, Status } from "@/ui/badge";
import { Button } from "@/ui/button";
import { Card } from "@/ui/card";
import { Copyable, CopyButton } from "@/ui/copy";
import { Moment } from "@/ui/moment";
import { Fact, Facts, Page } from "@/ui/page";
import { Loaded } from "@/ui/states";

type Attempt = components["schemas"]["DeliveryDetail"]["attempts"][number];

export const Route = createFileRoute("/_app/webhooks/deliveries/$deliveryId")({ component: DeliveryPage });

function DeliveryPage() {
  const { deliveryId } = Route.useParams();
  const path = { params: { path: { delivery_id: deliveryId } } };
  const query = api.useQuery("get", "/api/v1/webhooks/{delivery_id}", path, { refetchInterval: usePolling() });
  const queries = useQueryClient();
  const retry = api.useMutation("post", "/api/v1/webhooks/{delivery_id}/retry");
  const [key, setKey] = useState(() => crypto.randomUUID());
  if (query.error instanceof ApiError && query.error.status === 404) {
    return <Elsewhere what="webhook delivery" id={deliveryId} />;
  }
  function sendAgain() {
    retry.mutate(
      { params: { ...path.params, header: { "Idempotency-Key": key } } },
      {
        onSuccess: (done) => {
          if (done.attempt === null) toast.message("It is being sent", "The answer appears below.");
          else if (done.attempt.error_code === null) toast.success("Delivered");
          else toast.message("Sent, and not accepted", done.attempt.error ?? undefined);
          setKey(crypto.randomUUID());
          void queries.invalidateQueries();
        },
        onError: (error: unknown) => {
          if (error instanceof ApiError && error.status < 500) setKey(crypto.randomUUID());
          toast.error("Not sent", messageOf(error));
        },
      },
    );
  }
  return (
    <Page
      tab="Webhook delivery"
      title={query.data ? eventName(query.data.event_type) : "Webhook delivery"}
      above={
        <Link to={"/webhooks/deliveries" as string} className="text-[13px] text-subtle hover:underline">
          Webhook deliveries
        </Link>
      }
      actions={
        query.data && (
          <Allowed permission="deliveries:write">
            <Button busy={retry.isPending} onClick={sendAgain}>
              <RotateCw aria-hidden /> Send again
            </Button>
          </Allowed>
        )
      }
    >
      <Card title="Facts">
        <Loaded query={query}>
          {(delivery) => (
            <Facts>
              <Fact name="Status">
                <Status value={delivery.status} />
              </Fact>
              <Fact name="Delivery">
                <Copyable text={delivery.id} what="delivery id" />
              </Fact>
              <Fact name="Event">
                <Link
                  to={`/events/${delivery.event_id}` as string}
                  className="font-mono text-[13px] break-all text-primary hover:underline"
                >
                  {delivery.event_id}
                </Link>
              </Fact>
              <Fact name="Endpoint">
                <Link
                  to={`/webhooks/${delivery.endpoint_id}` as string}
                  className="font-mono text-[13px] break-all text-primary hover:underline"
                >
                  {delivery.endpoint_id}
                </Link>
              </Fact>
              {delivery.payment_id && (
                <Fact name="Payment">
                  <Link
                    to={`/payments/${delivery.payment_id}` as string}
                    className="font-mono text-[13px] break-all text-primary hover:underline"
                  >
                    {delivery.payment_id}
                  </Link>
                </Fact>
              )}
              <Fact name="Next attempt">
                {delivery.next_attempt_at ? <Moment at={delivery.next_attempt_at} /> : "None"}
              </Fact>
            </Facts>
          )}
        </Loaded>
      </Card>
      {query.data && (
        <Card
          title="Attempts"
          hint="The newest first. Your secrets are left out; signatures are shown as they were sent."
        >
          {query.data.attempts.length === 0 ? (
            <p className="text-[13px] text-subtle">Nothing was sent yet.</p>
          ) : (
            <ol className="grid gap-5">
              {[...query.data.attempts].reverse().map((attempt, index) => (
                <AttemptRow key={attempt.number} attempt={attempt} openAtFirst={index === 0} />
              ))}
            </ol>
          )}
        </Card>
      )}
    </Page>
  );
}

function AttemptRow({ attempt, openAtFirst }: { attempt: Attempt; openAtFirst: boolean }) {
  const accepted = attempt.error_code === null;
  return (
    <li className="min-w-0">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
        <strong className="font-semibold">Attempt {attempt.number}</strong>
        <Badge tone={accepted ? "success" : "danger"}>
          {attempt.response ? `Answered ${attempt.response.status}` : "No answer"}
        </Badge>
        <span className="text-[13px] text-subtle">
          {fullTime(attempt.created_at)} · {duration(attempt.duration_ms)}
          {attempt.trigger !== "schedule" && ` · ${named(attempt.trigger)}`}
        </span>
      </div>
      {attempt.error && (
        <p dir="auto" className="mt-1 text-[13px] break-words text-danger">
          {attempt.error}
        </p>
      )}
      <details className="mt-2" open={openAtFirst}>
        <summary className="cursor-pointer text-[13px] text-subtle">Request and response</summary>
        <div className="mt-2 grid gap-3 lg:grid-cols-2">
          <Message
            title={`POST ${attempt.request.url}`}
            what="request"
            headers={attempt.request.headers}
            body={attempt.request.body}
          />
          {attempt.response ? (
            <Message
              title={`Status ${attempt.response.status}`}
              what="response"
              headers={attempt.response.headers}
              body={attempt.response.body}
            />
          ) : (
            <p className="text-[13px] text-subtle">No response was received.</p>
          )}
        </div>
      </details>
    </li>
  );
}

function Message({
  title,
  what,
  headers,
  body,
}: {
  title: string;
  what: string;
  headers: Record<string, string>;
  body: string;
}) {
  const head = Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}`)
    .join("\n");
  return (
    <div className="min-w-0 overflow-hidden rounded-lg border border-border">
      <div className="flex items-center justify-between gap-2 border-b border-border bg-muted/60 px-3 py-1.5">
        <p dir="ltr" className="min-w-0 truncate font-mono text-xs" title={title}>
          {title}
        </p>
        <CopyButton text={`${head}\n\n${body}`} what={what} />
      </div>
      <pre
        dir="ltr"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by the keyboard
        tabIndex={0}
        role="region"
        aria-label={`The ${what}`}
        className="max-h-80 overflow-auto p-3 font-mono text-xs leading-relaxed break-all whitespace-pre-wrap"
      >
        {head}
        {"\n\n"}
        {body || "(empty)"}
      </pre>
    </div>
  );
}
