import { createFileRoute } from "@tanstack/react-router";
import { useState } from "react";
import { ListWithTools } from "@/features/list-tools";
import { NoPayments, PAYMENT_COLUMNS, usePaymentFilters, usePayments } from "@/features/payments-list";
import { SelectionBar } from "@/features/selection-bar";
import { asSearch } from "@/lib/list-route";
import { Page } from "@/ui/page";

export const Route = createFileRoute("/_app/payments/")({
  validateSearch: asSearch,
  component: Transactions,
});

function Transactions() {
  const search = Route.useSearch();
  const filters = usePaymentFilters();
  const query = usePayments(search, filters);
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  return (
    <Page title="Transactions" tab="Transactions">
      <ListWithTools
        page="payments"
        exported="payments"
        label="Transactions"
        query={query}
        search={search}
        filters={filters}
        text={{ key: "search", placeholder: "Id, VPA, e-mail or receipt" }}
        columns={PAYMENT_COLUMNS}
        rowId={(payment) => payment.id}
        rowTo={(payment) => `/payments/${payment.id}`}
        selection={{ ids: selected, onChange: setSelected }}
        empty={<NoPayments />}
      />
      <SelectionBar
        rows={(query.data?.data ?? []).filter((payment) => selected.has(payment.id))}
        onClear={() => setSelected(new Set())}
      />
    </Page>
  );
}
