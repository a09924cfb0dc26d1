import { keepPreviousData } from "@tanstack/react-query";
import { createFileRoute, Link } from "@tanstack/react-router";
import { Send } from "lucide-react";
import { api } from "@/api/client";
import type { Filter } from "@/features/filters";
import { List, listQuery } from "@/features/list";
import { DELIVERY_COLUMNS } from "@/features/webhooks/delivery-columns";
import { EVENT_TYPES } from "@/features/webhooks/event-types";
import { WebhookTabs } from "@/features/webhooks/tabs";
import { asSearch } from "@/lib/list-route";
import { eventName, named } from "@/lib/words";
import { usePolling } from "@/shell/live";
import { Button } from "@/ui/button";
import { Page } from "@/ui/page";
import { Empty } from "@/ui/states";

export const Route = createFileRoute("/_app/webhooks/deliveries/")({ validateSearch: asSearch, component: Deliveries });

const STATUSES = ["pending", "delivered", "failed", "cancelled"];
const FILTERS: Filter[] = [
  {
    kind: "choices",
    key: "status",
    label: "Status",
    single: true,
    options: STATUSES.map((status) => [status, named(status)]),
  },
  {
    kind: "choices",
    key: "event_type",
    label: "Event",
    single: true,
    options: [...Object.values(EVENT_TYPES).flat(), "endpoint.test"].map((type) => [type, eventName(type)]),
  },
  { kind: "text", key: "endpoint_id", label: "Endpoint", placeholder: "whe_…" },
  { kind: "text", key: "payment_id", label: "Payment", placeholder: "pay_…" },
  { kind: "text", key: "event_id", label: "Event id", placeholder: "evt_…" },
];

function Deliveries() {
  const search = Route.useSearch();
  const query = api.useQuery(
    "get",
    "/api/v1/webhooks",
    { params: { query: listQuery(search, FILTERS) as never } },
    { placeholderData: keepPreviousData, refetchInterval: usePolling() },
  );
  return (
    <Page title="Webhooks" tab="Webhook deliveries" hint="What was sent to your endpoints, and what they answered.">
      <WebhookTabs />
      <List
        label="Webhook deliveries"
        query={query}
        search={search}
        filters={FILTERS}
        columns={DELIVERY_COLUMNS}
        rowId={(delivery) => delivery.id}
        rowTo={(delivery) => `/webhooks/deliveries/${delivery.id}`}
        empty={
          <Empty
            icon={<Send />}
            title="Nothing was sent yet"
            action={
              <Button asChild>
                <Link to="/webhooks">Go to the endpoints</Link>
              </Button>
            }
          >
            Each event is delivered to each endpoint that asks for its type. Add an endpoint, then make a payment.
          </Empty>
        }
      />
    </Page>
  );
}
