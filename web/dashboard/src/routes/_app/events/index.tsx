import { keepPreviousData } from "@tanstack/react-query";
import { createFileRoute } from "@tanstack/react-router";
import { CalendarClock } from "lucide-react";
import { api } from "@/api/client";
import type { components } from "@/api/schema";
import type { Filter } from "@/features/filters";
import { listQuery } from "@/features/list";
import { ListWithTools } from "@/features/list-tools";
import type { Column } from "@/features/table";
import { EVENT_TYPES } from "@/features/webhooks/event-types";
import { asSearch } from "@/lib/list-route";
import { eventName } from "@/lib/words";
import { usePolling } from "@/shell/live";
import { Moment } from "@/ui/moment";
import { Page } from "@/ui/page";
import { Empty } from "@/ui/states";

type Event = components["schemas"]["EventResource"];

export const Route = createFileRoute("/_app/events/")({ validateSearch: asSearch, component: Events });

const TYPES = Object.values(EVENT_TYPES).flat();
const FILTERS: Filter[] = [
  { kind: "choices", key: "type", label: "Type", single: true, options: TYPES.map((each) => [each, eventName(each)]) },
];

const COLUMNS: Column<Event>[] = [
  {
    id: "type",
    header: "Event",
    phone: "title",
    cell: (event) => <span className="font-medium">{eventName(event.type)}</span>,
  },
  {
    id: "subject",
    header: "About",
    phone: "detail",
    cell: (event) => <code className="block truncate font-mono text-xs">{String(event.data.id ?? "–")}</code>,
  },
  { id: "id", header: "Id", cell: (event) => <code className="font-mono text-xs">{event.id}</code> },
  { id: "at", header: "Time", phone: "side", align: "right", cell: (event) => <Moment at={event.timestamp} /> },
];

function Events() {
  const search = Route.useSearch();
  const query = api.useQuery(
    "get",
    "/api/v1/events",
    { params: { query: listQuery(search, FILTERS) as never } },
    { placeholderData: keepPreviousData, refetchInterval: usePolling() },
  );
  return (
    <Page
      title="Events"
      tab="Events"
      hint="Everything that happened to your payments and refunds, as webhooks report it."
    >
      <ListWithTools
        page="events"
        label="Events"
        query={query}
        search={search}
        filters={FILTERS}
        columns={COLUMNS}
        rowId={(event) => event.id}
        rowTo={(event) => `/events/${event.id}`}
        empty={
          <Empty icon={<CalendarClock />} title="Nothing has happened yet">
            Each change of a payment or refund is an event. Webhook endpoints receive them as they happen.
          </Empty>
        }
      />
    </Page>
  );
}
