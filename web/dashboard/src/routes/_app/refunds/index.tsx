import { keepPreviousData } from "@tanstack/react-query";
import { createFileRoute, Link } from "@tanstack/react-router";
import { Undo2 } from "lucide-react";
import { useMemo } from "react";
import { api } from "@/api/client";
import type { Filter } from "@/features/filters";
import { useGatewayFilter } from "@/features/gateway-filter";
import { listQuery } from "@/features/list";
import { ListWithTools } from "@/features/list-tools";
import { REFUND_COLUMNS } from "@/features/refund-columns";
import { asSearch } from "@/lib/list-route";
import { named } from "@/lib/words";
import { usePolling } from "@/shell/live";
import { Button } from "@/ui/button";
import { Page } from "@/ui/page";
import { Empty } from "@/ui/states";

export const Route = createFileRoute("/_app/refunds/")({ validateSearch: asSearch, component: Refunds });

const STATUSES = ["pending", "processed", "failed", "reversed", "needs_review"];

function useRefundFilters(): Filter[] {
  const gateway = useGatewayFilter();
  return useMemo(
    () => [
      { kind: "choices", key: "status", label: "Status", options: STATUSES.map((each) => [each, named(each)]) },
      { kind: "dates", label: "Created", from: "created_from", to: "created_to" },
      { kind: "amount", label: "Amount" },
      gateway,
      { kind: "text", key: "payment_id", label: "Payment", placeholder: "pay_…" },
      { kind: "text", key: "order_id", label: "Order", placeholder: "order_…" },
    ],
    [gateway],
  );
}

function Refunds() {
  const search = Route.useSearch();
  const filters = useRefundFilters();
  const query = api.useQuery(
    "get",
    "/api/v1/refunds",
    { params: { query: listQuery(search, filters) as never } },
    { placeholderData: keepPreviousData, refetchInterval: usePolling() },
  );
  return (
    <Page title="Refunds" tab="Refunds">
      <ListWithTools
        page="refunds"
        exported="refunds"
        label="Refunds"
        query={query}
        search={search}
        filters={filters}
        columns={REFUND_COLUMNS}
        rowId={(refund) => refund.id}
        rowTo={(refund) => `/refunds/${refund.id}`}
        empty={
          <Empty
            icon={<Undo2 />}
            title="No refunds yet"
            action={
              <Button asChild>
                <Link to="/payments">Find a payment</Link>
              </Button>
            }
          >
            Open a payment that succeeded and choose Refund. Part of the amount can go back, several times.
          </Empty>
        }
      />
    </Page>
  );
}
