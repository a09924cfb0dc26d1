import { createFileRoute } from "@tanstack/react-router";
import { Plus, Webhook } from "lucide-react";
import { useState } from "react";
import { api } from "@/api/client";
import { List, listQuery } from "@/features/list";
import type { Column } from "@/features/table";
import { type Endpoint, EndpointDialog } from "@/features/webhooks/endpoint-dialog";
import { subscribed } from "@/features/webhooks/event-types";
import { SecretDialog } from "@/features/webhooks/secret-dialog";
import { WebhookTabs } from "@/features/webhooks/tabs";
import { asSearch } from "@/lib/list-route";
import { Allowed } from "@/session";
import { usePolling } from "@/shell/live";
import { Status } from "@/ui/badge";
import { Button } from "@/ui/button";
import { Moment } from "@/ui/moment";
import { Page } from "@/ui/page";
import { Empty } from "@/ui/states";

export const Route = createFileRoute("/_app/webhooks/")({ validateSearch: asSearch, component: Endpoints });

const COLUMNS: Column<Endpoint>[] = [
  {
    id: "url",
    header: "Address",
    phone: "title",
    cell: (endpoint) => (
      <span className="block max-w-96 min-w-0">
        <span dir="ltr" className="block truncate font-mono text-[13px]" title={endpoint.url}>
          {endpoint.url}
        </span>
        {endpoint.description && (
          <span dir="auto" className="block truncate text-[13px] font-normal text-subtle">
            {endpoint.description}
          </span>
        )}
      </span>
    ),
  },
  { id: "events", header: "Events", phone: "detail", cell: (endpoint) => subscribed(endpoint.event_types) },
  { id: "status", header: "Status", phone: "side", cell: (endpoint) => <Status value={endpoint.status} /> },
  { id: "made", header: "Added", align: "right", cell: (endpoint) => <Moment at={endpoint.created_at} /> },
];

function Endpoints() {
  const search = Route.useSearch();
  const [adding, setAdding] = useState(false);
  const [secret, setSecret] = useState<string | null>(null);
  const query = api.useQuery(
    "get",
    "/api/v1/webhook_endpoints",
    { params: { query: listQuery(search, []) as never } },
    { refetchInterval: usePolling() },
  );
  const add = (
    <Allowed permission="endpoints:write">
      <Button look="primary" onClick={() => setAdding(true)}>
        <Plus aria-hidden /> Add endpoint
      </Button>
    </Allowed>
  );
  return (
    <Page
      title="Webhooks"
      tab="Webhooks"
      hint="Where your server hears of payments and refunds as they change."
      actions={query.data?.data.length === 0 ? undefined : add}
    >
      <WebhookTabs />
      <List
        label="Webhook endpoints"
        query={query}
        search={search}
        columns={COLUMNS}
        rowId={(endpoint) => endpoint.id}
        rowTo={(endpoint) => `/webhooks/${endpoint.id}`}
        empty={
          <Empty icon={<Webhook />} title="No endpoint yet" action={add}>
            Your server learns for certain that an order is paid by a webhook, not by the page that your customer sees.
            Add the address where it listens.
          </Empty>
        }
      />
      {adding && <EndpointDialog onClose={() => setAdding(false)} onMade={setSecret} />}
      {secret && <SecretDialog title="The signing secret" secret={secret} onClose={() => setSecret(null)} />}
    </Page>
  );
}
