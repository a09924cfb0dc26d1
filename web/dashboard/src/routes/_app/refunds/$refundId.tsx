import { createFileRoute, Link } from "@tanstack/react-router";
import { api } from "@/api/client";
import { ApiError } from "@/api/errors";
import { Elsewhere } from "@/features/elsewhere";
import { money } from "@/lib/money";
import { fullTime } from "@/lib/time";
import { actorName, eventName } from "@/lib/words";
import { usePolling } from "@/shell/live";
import { Status } from "@/ui/badge";
import { Card } from "@/ui/card";
import { Copyable } from "@/ui/copy";
import { ApiErrorNote } from "@/ui/note";
import { Fact, Facts, Page } from "@/ui/page";
import { Loaded } from "@/ui/states";

export const Route = createFileRoute("/_app/refunds/$refundId")({ component: RefundPage });

function RefundPage() {
  const { refundId } = Route.useParams();
  const polling = usePolling();
  const query = api.useQuery(
    "get",
    "/api/v1/refunds/{refund_id}",
    { params: { path: { refund_id: refundId } } },
    { refetchInterval: polling },
  );
  if (query.error instanceof ApiError && query.error.status === 404) return <Elsewhere what="refund" id={refundId} />;
  const refund = query.data;
  return (
    <Page
      tab="Refund"
      above={
        <Link to="/refunds" className="text-[13px] text-subtle hover:underline">
          Refunds
        </Link>
      }
      title={
        refund ? (
          <span className="flex flex-wrap items-center gap-3">
            <span className="numeric">{money(refund.amount, refund.currency)}</span>
            <span className="text-sm font-normal tracking-normal">
              <Status value={refund.status} />
            </span>
          </span>
        ) : (
          "Refund"
        )
      }
    >
      <Card title="Facts">
        <Loaded query={query}>
          {(found) => (
            <>
              {found.error_code && (
                <div className="mb-4">
                  <ApiErrorNote code={found.error_code} text={found.error_description ?? null} />
                </div>
              )}
              <Facts>
                <Fact name="Refund">
                  <Copyable text={found.id} what="refund id" />
                </Fact>
                <Fact name="Payment">
                  <Link
                    to="/payments/$paymentId"
                    params={{ paymentId: found.payment_id }}
                    className="font-mono text-[13px] break-all text-primary hover:underline"
                  >
                    {found.payment_id}
                  </Link>
                </Fact>
                <Fact name="Reason">
                  <span dir="auto">{found.reason ?? "–"}</span>
                </Fact>
                <Fact name="Created">{fullTime(found.created_at)}</Fact>
                <Fact name="Last change">{fullTime(found.updated_at)}</Fact>
              </Facts>
            </>
          )}
        </Loaded>
      </Card>
      {refund && <Steps paymentId={refund.payment_id} refundId={refund.id} />}
    </Page>
  );
}

function Steps({ paymentId, refundId }: { paymentId: string; refundId: string }) {
  const query = api.useQuery("get", "/api/v1/payments/{payment_id}/history", {
    params: { path: { payment_id: paymentId } },
  });
  return (
    <Card title="Timeline">
      <Loaded query={query}>
        {({ data }) => (
          <ol className="grid gap-3">
            {data
              .filter((step) => step.refund_id === refundId)
              .map((step) => (
                <li key={step.event_id}>
                  <div className="flex flex-wrap justify-between gap-2">
                    <span className="font-medium">{eventName(step.type)}</span>
                    <span className="numeric text-[13px] text-subtle">{fullTime(step.at)}</span>
                  </div>
                  <p className="text-[13px] text-subtle">
                    {actorName(step.actor)}
                    {step.reason && <> · {step.reason}</>}
                  </p>
                </li>
              ))}
          </ol>
        )}
      </Loaded>
    </Card>
  );
}
