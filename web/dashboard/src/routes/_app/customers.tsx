import { keepPreviousData } from "@tanstack/react-query";
import { createFileRoute, useNavigate } from "@tanstack/react-router";
import { Search as SearchIcon, UserRound } from "lucide-react";
import { api } from "@/api/client";
import { ApiError } from "@/api/errors";
import { List, listQuery } from "@/features/list";
import { PAYMENT_COLUMNS } from "@/features/payments-list";
import { asSearch } from "@/lib/list-route";
import { count, money } from "@/lib/money";
import { one } from "@/lib/search";
import { fullTime } from "@/lib/time";
import { usePolling } from "@/shell/live";
import { Button } from "@/ui/button";
import { Card } from "@/ui/card";
import { Copyable } from "@/ui/copy";
import { Input } from "@/ui/field";
import { Fact, Facts, Page } from "@/ui/page";
import { Empty, Loaded } from "@/ui/states";

export const Route = createFileRoute("/_app/customers")({ validateSearch: asSearch, component: Customers });

function Customers() {
  const search = Route.useSearch();
  const wanted = one(search.q)?.trim() ?? "";
  const navigate = useNavigate();
  return (
    <Page
      title="Customers"
      tab="Customers"
      hint="What a customer paid, by e-mail address or by the id that you gave them."
    >
      <form
        role="search"
        className="flex gap-2"
        onSubmit={(event) => {
          event.preventDefault();
          const q = String(new FormData(event.currentTarget).get("q") ?? "").trim();
          void navigate({ to: "/customers", search: q ? { q } : {} });
        }}
      >
        <div className="relative w-full max-w-md">
          <SearchIcon
            aria-hidden
            className="pointer-events-none absolute top-1/2 left-3 size-4 -translate-y-1/2 text-subtle"
          />
          <Input
            key={wanted}
            name="q"
            type="search"
            aria-label="E-mail address or customer id"
            placeholder="ann@example.com or your id"
            defaultValue={wanted}
            className="pl-9"
            dir="auto"
          />
        </div>
        <Button look="primary" type="submit" className="max-sm:h-11">
          Find
        </Button>
      </form>
      {wanted ? (
        <CustomerCard wanted={wanted} />
      ) : (
        <Card>
          <Empty icon={<UserRound />} title="Find a customer">
            Enter an e-mail address or your own id of the customer, in full. Payments carry them when your server sends{" "}
            <code className="font-mono">customer</code>.
          </Empty>
        </Card>
      )}
    </Page>
  );
}

function CustomerCard({ wanted }: { wanted: string }) {
  const search = Route.useSearch();
  const query = api.useQuery("get", "/api/v1/customers", {
    params: { query: wanted.includes("@") ? { email: wanted } : { id: wanted } },
  });
  const payments = api.useQuery(
    "get",
    "/api/v1/payments",
    { params: { query: { ...listQuery(search, []), customer: wanted } as never } },
    { placeholderData: keepPreviousData, refetchInterval: usePolling(), enabled: query.data !== undefined },
  );
  if (query.error instanceof ApiError && query.error.status === 404) {
    return (
      <Card>
        <Empty icon={<UserRound />} title="No payment names this customer">
          Look at the spelling. Test and live mode have their own customers.
        </Empty>
      </Card>
    );
  }
  return (
    <>
      <Card title={<span dir="auto">{query.data?.name ?? wanted}</span>}>
        <Loaded query={query}>
          {(customer) => (
            <Facts>
              {customer.email && (
                <Fact name="E-mail">
                  <Copyable text={customer.email} what="e-mail address" />
                </Fact>
              )}
              {customer.id && (
                <Fact name="Your id">
                  <Copyable text={customer.id} what="customer id" />
                </Fact>
              )}
              {customer.phone && (
                <Fact name="Phone">
                  <bdi dir="ltr">{customer.phone}</bdi>
                </Fact>
              )}
              <Fact name="Payments">
                {customer.complete
                  ? `${count(customer.payments)}, ${count(customer.succeeded)} succeeded`
                  : `More than ${count(customer.payments)}. Of the newest ${count(customer.payments)}, ${count(customer.succeeded)} succeeded`}
              </Fact>
              <Fact name={customer.complete ? "Paid" : `Paid, newest ${count(customer.payments)}`}>
                {customer.volume.map((each) => (
                  <span key={each.currency} className="numeric block">
                    {money(each.amount, each.currency)}
                  </span>
                ))}
                {customer.volume.length === 0 && "–"}
              </Fact>
              <Fact name={customer.complete ? "Refunded" : `Refunded, newest ${count(customer.payments)}`}>
                {customer.refunded.map((each) => (
                  <span key={each.currency} className="numeric block">
                    {money(each.amount, each.currency)}
                  </span>
                ))}
                {customer.refunded.length === 0 && "–"}
              </Fact>
              <Fact name="First payment">{fullTime(customer.first_payment_at)}</Fact>
              <Fact name="Last payment">{fullTime(customer.last_payment_at)}</Fact>
            </Facts>
          )}
        </Loaded>
      </Card>
      {query.data && (
        <List
          label="Payments of this customer"
          query={payments}
          search={search}
          columns={PAYMENT_COLUMNS}
          hidden={new Set(["customer", "gateway", "order", "id"])}
          rowId={(payment) => payment.id}
          rowTo={(payment) => `/payments/${payment.id}`}
          empty={<Empty title="No payments" />}
        />
      )}
    </>
  );
}
