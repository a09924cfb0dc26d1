import type { components } from "@/api/schema";
import type { Column } from "@/features/table";
import { eventName } from "@/lib/words";
import { Status } from "@/ui/badge";
import { Moment } from "@/ui/moment";

export type Delivery = components["schemas"]["DeliveryResource"];

function answer(delivery: Delivery): string {
  if (delivery.last_error) return delivery.last_error;
  if (delivery.last_response_status !== null) return `Answered ${delivery.last_response_status}`;
  return "Not sent yet";
}

export const DELIVERY_COLUMNS: Column<Delivery>[] = [
  {
    id: "event",
    header: "Event",
    phone: "title",
    cell: (delivery) => <span className="font-medium">{eventName(delivery.event_type)}</span>,
  },
  { id: "status", header: "Status", phone: "side", cell: (delivery) => <Status value={delivery.status} /> },
  {
    id: "answer",
    header: "Last answer",
    phone: "detail",
    cell: (delivery) => (
      <span dir="auto" className="block truncate" title={answer(delivery)}>
        {answer(delivery)}
      </span>
    ),
  },
  {
    id: "attempts",
    header: "Attempts",
    align: "right",
    cell: (delivery) => <span className="numeric">{delivery.attempt_count}</span>,
  },
  {
    id: "at",
    header: "Created",
    align: "right",
    phone: "detail",
    cell: (delivery) => <Moment at={delivery.created_at} />,
  },
];
