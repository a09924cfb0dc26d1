import { keepPreviousData } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { CreditCard } from "lucide-react";
import { useMemo } from "react";
import { api } from "@/api/client";
import type { components } from "@/api/schema";
import type { Filter } from "@/features/filters";
import { useGatewayFilter } from "@/features/gateway-filter";
import { customerOf, instrumentOf } from "@/features/instrument";
import { listQuery } from "@/features/list";
import { type Payment, PaymentStatus } from "@/features/payment/status";
import type { Column } from "@/features/table";
import { money } from "@/lib/money";
import type { Search } from "@/lib/search";
import { named } from "@/lib/words";
import { useSession } from "@/session";
import { usePolling } from "@/shell/live";
import { Button } from "@/ui/button";
import { Moment } from "@/ui/moment";
import { Empty } from "@/ui/states";

const STATUSES: components["schemas"]["PaymentStatus"][] = [
  "success",
  "failed",
  "pending",
  "requires_action",
  "processing",
  "authorized",
  "retrying",
  "cancelled",
  "expired",
  "needs_review",
];
const METHODS: components["schemas"]["PaymentMethod"][] = ["upi", "card", "netbanking", "wallet"];

export const PAYMENT_COLUMNS: Column<Payment>[] = [
  {
    id: "amount",
    header: "Amount",
    phone: "title",
    align: "right",
    cell: (payment) => (
      <span className="numeric font-medium whitespace-nowrap">{money(payment.amount, payment.currency)}</span>
    ),
  },
  { id: "status", header: "Status", phone: "side", cell: (payment) => <PaymentStatus payment={payment} /> },
  {
    id: "method",
    header: "Paid with",
    phone: "detail",
    cell: (payment) => (
      <span dir="auto" className="block truncate">
        {instrumentOf(payment)}
      </span>
    ),
  },
  {
    id: "customer",
    header: "Customer",
    phone: "line",
    cell: (payment) => {
      const customer = customerOf(payment);
      return (
        customer && (
          <span dir="auto" className="block truncate" title={customer}>
            {customer}
          </span>
        )
      );
    },
  },
  { id: "gateway", header: "Gateway", hiddenAtFirst: true, cell: (payment) => named(payment.gateway) },
  {
    id: "order",
    header: "Order",
    hiddenAtFirst: true,
    cell: (payment) => <code className="font-mono text-xs">{payment.order_id}</code>,
  },
  {
    id: "error",
    header: "Error",
    hiddenAtFirst: true,
    cell: (payment) => payment.error_code && named(payment.error_code),
  },
  {
    id: "id",
    header: "Payment",
    hiddenAtFirst: true,
    cell: (payment) => <code className="font-mono text-xs">{payment.id}</code>,
  },
  {
    id: "created",
    header: "Created",
    phone: "detail",
    align: "right",
    cell: (payment) => <Moment at={payment.created_at} />,
  },
];

export function usePaymentFilters(): Filter[] {
  const gateway = useGatewayFilter();
  return useMemo(
    () => [
      { kind: "choices", key: "status", label: "Status", options: STATUSES.map((each) => [each, named(each)]) },
      {
        kind: "choices",
        key: "method",
        label: "Method",
        single: true,
        options: METHODS.map((each) => [each, named(each)]),
      },
      { kind: "dates", label: "Created", from: "created_from", to: "created_to" },
      { kind: "amount", label: "Amount" },
      gateway,
      {
        kind: "text",
        key: "customer",
        label: "Customer",
        hint: "An e-mail address or your own id of the customer, in full.",
      },
      { kind: "text", key: "order_id", label: "Order", placeholder: "order_…" },
    ],
    [gateway],
  );
}

export function usePayments(search: Search, filters: Filter[]) {
  const query = listQuery(search, filters, ["search"]);
  return api.useQuery(
    "get",
    "/api/v1/payments",
    { params: { query: query as never } },
    { placeholderData: keepPreviousData, refetchInterval: usePolling() },
  );
}

export function NoPayments() {
  const { mode } = useSession();
  return (
    <Empty
      icon={<CreditCard />}
      title="No payments yet"
      action={
        <>
          {mode === "test" && (
            <Button asChild look="primary">
              <Link to="/testing">Make a test payment</Link>
            </Button>
          )}
          <Button asChild>
            <Link to="/developers/guide">Integration guide</Link>
          </Button>
        </>
      }
    >
      {mode === "test"
        ? "Pay with a test card here, or let your server create an order. Each payment appears at once."
        : "Live payments appear here at once. The checklist on Home says what is missing until the first."}
    </Empty>
  );
}
