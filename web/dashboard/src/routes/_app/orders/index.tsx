import { keepPreviousData } from "@tanstack/react-query";
import { createFileRoute, Link } from "@tanstack/react-router";
import { ReceiptText } from "lucide-react";
import { api } from "@/api/client";
import type { components } from "@/api/schema";
import type { Filter } from "@/features/filters";
import { listQuery } from "@/features/list";
import { ListWithTools } from "@/features/list-tools";
import type { Column } from "@/features/table";
import { asSearch } from "@/lib/list-route";
import { money } from "@/lib/money";
import { usePolling } from "@/shell/live";
import { Status } from "@/ui/badge";
import { Button } from "@/ui/button";
import { Moment } from "@/ui/moment";
import { Page } from "@/ui/page";
import { Empty } from "@/ui/states";

type Order = components["schemas"]["OrderResource"];

export const Route = createFileRoute("/_app/orders/")({ validateSearch: asSearch, component: Orders });

const FILTERS: Filter[] = [
  {
    kind: "choices",
    key: "status",
    label: "Status",
    single: true,
    options: [
      ["created", "Created"],
      ["attempted", "Attempted"],
      ["paid", "Paid"],
      ["cancelled", "Cancelled"],
      ["expired", "Expired"],
    ],
  },
];

const COLUMNS: Column<Order>[] = [
  {
    id: "amount",
    header: "Amount",
    phone: "title",
    align: "right",
    cell: (order) => (
      <span className="numeric font-medium whitespace-nowrap">{money(order.amount, order.currency)}</span>
    ),
  },
  { id: "status", header: "Status", phone: "side", cell: (order) => <Status value={order.status} /> },
  {
    id: "receipt",
    header: "Receipt",
    phone: "line",
    cell: (order) =>
      order.receipt && (
        <span dir="auto" className="block truncate" title={order.receipt}>
          {order.receipt}
        </span>
      ),
  },
  { id: "id", header: "Order", cell: (order) => <code className="font-mono text-xs">{order.id}</code> },
  {
    id: "created",
    header: "Created",
    phone: "detail",
    align: "right",
    cell: (order) => <Moment at={order.created_at} />,
  },
];

function Orders() {
  const search = Route.useSearch();
  const query = api.useQuery(
    "get",
    "/api/v1/orders",
    { params: { query: listQuery(search, FILTERS) as never } },
    { placeholderData: keepPreviousData, refetchInterval: usePolling() },
  );
  return (
    <Page
      title="Orders"
      tab="Orders"
      hint="An order is an amount that a customer is to pay. It takes one successful payment."
    >
      <ListWithTools
        page="orders"
        exported="orders"
        label="Orders"
        query={query}
        search={search}
        filters={FILTERS}
        columns={COLUMNS}
        rowId={(order) => order.id}
        rowTo={(order) => `/orders/${order.id}`}
        empty={
          <Empty
            icon={<ReceiptText />}
            title="No orders yet"
            action={
              <Button asChild look="primary">
                <Link to="/developers/guide">Integration guide</Link>
              </Button>
            }
          >
            Your server creates an order before a customer pays. The guide has the program for it, in five languages.
          </Empty>
        }
      />
    </Page>
  );
}
