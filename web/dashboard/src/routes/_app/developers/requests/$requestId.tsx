import { createFileRoute, Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { api } from "@/api/client";
import { ApiError } from "@/api/errors";
import { AnswerStatus } from "@/features/developers/answer-status";
import { Elsewhere } from "@/features/elsewhere";
import { placeOf } from "@/lib/ids";
import { duration, fullTime } from "@/lib/time";
import { actorName } from "@/lib/words";
import { Card } from "@/ui/card";
import { Json } from "@/ui/code";
import { Copyable } from "@/ui/copy";
import { Fact, Facts, Page } from "@/ui/page";
import { Loaded } from "@/ui/states";

export const Route = createFileRoute("/_app/developers/requests/$requestId")({ component: RequestPage });

function RequestPage() {
  const { requestId } = Route.useParams();
  const query = api.useQuery("get", "/api/v1/request_log/{logged_id}", { params: { path: { logged_id: requestId } } });
  if (query.error instanceof ApiError && query.error.status === 404) return <Elsewhere what="request" id={requestId} />;
  const found = query.data;
  return (
    <Page
      tab="Request"
      title={
        found ? (
          <span dir="ltr" className="font-mono text-lg break-all">
            {found.method} {found.route}
          </span>
        ) : (
          "Request"
        )
      }
      above={
        <Link to="/developers/requests" className="text-[13px] text-subtle hover:underline">
          Request log
        </Link>
      }
    >
      <Card title="Facts">
        <Loaded query={query}>
          {(row) => (
            <Facts>
              <Fact name="Answer">
                <AnswerStatus status={row.status} />
              </Fact>
              {row.error_code && (
                <Fact name="Error code">
                  <Copyable text={row.error_code} what="error code" />
                </Fact>
              )}
              <Fact name="Request id">
                <Copyable text={row.request_id} what="request id" />
              </Fact>
              <Fact name="Time">{fullTime(row.started_at)}</Fact>
              <Fact name="Duration">{duration(row.duration_ms)}</Fact>
              <Fact name="Who">
                <span className="break-all">{actorName(row.actor)}</span>
              </Fact>
              {row.idempotency_key && (
                <Fact name="Idempotency key">
                  <Copyable text={row.idempotency_key} what="idempotency key" />
                </Fact>
              )}
              {row.subject_id && (
                <Fact name="Subject">
                  <Subject id={row.subject_id} />
                </Fact>
              )}
            </Facts>
          )}
        </Loaded>
      </Card>
      {found && (
        <div className="grid grid-cols-[minmax(0,1fr)] gap-4 sm:gap-5 lg:grid-cols-[repeat(2,minmax(0,1fr))]">
          <Body title="Request body" value={found.request_body} status={found.status} method={found.method} />
          <Body title="Answer" value={found.response_body} status={found.status} method={found.method} />
        </div>
      )}
    </Page>
  );
}

function Subject({ id }: { id: string }): ReactNode {
  const to = placeOf(id);
  if (!to) return <Copyable text={id} what="subject" />;
  return (
    <Link to={to} className="font-mono text-[13px] break-all text-primary hover:underline">
      {id}
    </Link>
  );
}

function Body({ title, value, method, status }: { title: string; value: unknown; method: string; status: number }) {
  const reads = method === "GET" && status < 400;
  return (
    <Card title={title} hint={value === null ? undefined : "Masked: what may name a person or open something is •••."}>
      {value === null ? (
        <p className="text-[13px] text-subtle">
          {reads ? "Bodies of requests that only read are not kept." : "None, or too long to be kept."}
        </p>
      ) : (
        <Json value={value} label={title} />
      )}
    </Card>
  );
}
