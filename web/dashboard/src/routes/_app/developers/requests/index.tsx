import { keepPreviousData } from "@tanstack/react-query";
import { createFileRoute, Link } from "@tanstack/react-router";
import { ScrollText } from "lucide-react";
import { api } from "@/api/client";
import type { components } from "@/api/schema";
import { AnswerStatus } from "@/features/developers/answer-status";
import { DeveloperTabs } from "@/features/developers/tabs";
import type { Filter } from "@/features/filters";
import { List, listQuery } from "@/features/list";
import type { Column } from "@/features/table";
import { asSearch } from "@/lib/list-route";
import { duration } from "@/lib/time";
import { actorName } from "@/lib/words";
import { usePolling } from "@/shell/live";
import { Button } from "@/ui/button";
import { Moment } from "@/ui/moment";
import { Page } from "@/ui/page";
import { Empty } from "@/ui/states";

type Logged = components["schemas"]["LoggedRequestResource"];

export const Route = createFileRoute("/_app/developers/requests/")({ validateSearch: asSearch, component: Requests });

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"];
const FILTERS: Filter[] = [
  {
    kind: "choices",
    key: "failed",
    label: "Answer",
    single: true,
    options: [
      ["true", "Refused or failed"],
      ["false", "Accepted"],
    ],
  },
  { kind: "choices", key: "method", label: "Method", single: true, options: METHODS.map((each) => [each, each]) },
  { kind: "text", key: "route", label: "Path", placeholder: "/payments/{payment_id}" },
  { kind: "text", key: "status", label: "Status", placeholder: "409" },
  { kind: "text", key: "error_code", label: "Error code", placeholder: "order_has_payment" },
  { kind: "text", key: "subject_id", label: "Subject", placeholder: "pay_…", hint: "The id in the path." },
  { kind: "text", key: "idempotency_key", label: "Idempotency key" },
  { kind: "text", key: "request_id", label: "Request id" },
  { kind: "text", key: "actor", label: "Who", placeholder: "key:key_test_…" },
  { kind: "dates", label: "Time", from: "created_from", to: "created_to" },
];

const COLUMNS: Column<Logged>[] = [
  {
    id: "route",
    header: "Request",
    phone: "title",
    cell: (row) => (
      <span className="grid max-w-80 min-w-0 grid-cols-[3rem_minmax(0,1fr)] items-baseline gap-x-2">
        <span className="font-mono text-xs font-semibold">{row.method}</span>
        <code className="truncate font-mono text-xs font-normal" title={row.route}>
          {row.route}
        </code>
        {row.error_code && (
          <code className="col-start-2 truncate font-mono text-xs font-normal text-danger">{row.error_code}</code>
        )}
      </span>
    ),
  },
  { id: "status", header: "Status", phone: "side", cell: (row) => <AnswerStatus status={row.status} /> },
  {
    id: "key",
    header: "Idempotency key",
    cell: (row) =>
      row.idempotency_key ? (
        <code dir="auto" className="block max-w-44 truncate font-mono text-xs" title={row.idempotency_key}>
          {row.idempotency_key}
        </code>
      ) : null,
  },
  {
    id: "actor",
    header: "Who",
    cell: (row) => (
      <span className="block max-w-36 truncate text-subtle" title={row.actor}>
        {actorName(row.actor)}
      </span>
    ),
  },
  {
    id: "duration",
    header: "Duration",
    align: "right",
    cell: (row) => <span className="numeric">{duration(row.duration_ms)}</span>,
  },
  { id: "at", header: "Time", align: "right", phone: "detail", cell: (row) => <Moment at={row.started_at} /> },
];

function Requests() {
  const search = Route.useSearch();
  const query = api.useQuery(
    "get",
    "/api/v1/request_log",
    { params: { query: listQuery(search, FILTERS) as never } },
    { placeholderData: keepPreviousData, refetchInterval: usePolling() },
  );
  return (
    <Page
      title="Developers"
      tab="Request log"
      hint="What your programs sent and how it was answered, and what people changed here. It appears a second or two later."
    >
      <DeveloperTabs />
      <List
        label="Requests"
        query={query}
        search={search}
        filters={FILTERS}
        columns={COLUMNS}
        rowId={(row) => row.id}
        rowTo={(row) => `/developers/requests/${row.id}`}
        empty={
          <Empty
            icon={<ScrollText />}
            title="No request yet"
            action={
              <Button asChild>
                <Link to="/developers/guide">Open the integration guide</Link>
              </Button>
            }
          >
            Send one from your program, as the integration guide shows. Here you see it with its answer, its request id
            and what was wrong.
          </Empty>
        }
      />
    </Page>
  );
}
