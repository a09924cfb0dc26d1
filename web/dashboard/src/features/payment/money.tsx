import { Link } from "@tanstack/react-router";
import { api } from "@/api/client";
import type { components } from "@/api/schema";
import { money } from "@/lib/money";
import { named } from "@/lib/words";
import { Status } from "@/ui/badge";
import { Card } from "@/ui/card";
import { Moment } from "@/ui/moment";
import { Loaded, Skeleton } from "@/ui/states";

type Refund = components["schemas"]["RefundResource"];

export function Captures({ paymentId }: { paymentId: string }) {
  const query = api.useQuery("get", "/api/v1/payments/{payment_id}/captures", {
    params: { path: { payment_id: paymentId } },
  });
  return (
    <Card title="Captures">
      <Loaded query={query} skeleton={<Skeleton className="h-5" />}>
        {({ data }) =>
          data.length === 0 ? (
            <p className="text-[13px] text-subtle">Nothing has been taken.</p>
          ) : (
            <ul className="divide-y divide-border">
              {data.map((capture) => (
                <li
                  key={capture.id}
                  className="flex flex-wrap items-center justify-between gap-2 py-2 first:pt-0 last:pb-0"
                >
                  <span className="numeric font-medium">{money(capture.amount, capture.currency)}</span>
                  <span className="text-[13px] text-subtle">
                    <Moment at={capture.created_at} />
                  </span>
                </li>
              ))}
            </ul>
          )
        }
      </Loaded>
    </Card>
  );
}

export function Refunds({ refunds, left, currency }: { refunds: Refund[]; left: number; currency: string }) {
  return (
    <Card title="Refunds" hint={left > 0 ? `${money(left, currency)} can still be refunded.` : undefined}>
      {refunds.length === 0 ? (
        <p className="text-[13px] text-subtle">No money went back.</p>
      ) : (
        <ul className="divide-y divide-border">
          {refunds.map((refund) => (
            <li key={refund.id} className="py-2 first:pt-0 last:pb-0">
              <div className="flex flex-wrap items-center justify-between gap-2">
                <Link to={`/refunds/${refund.id}` as string} className="numeric font-medium hover:underline">
                  {money(refund.amount, refund.currency)}
                </Link>
                <Status value={refund.status} />
              </div>
              <p className="text-[13px] text-subtle">
                <Moment at={refund.created_at} />
                {refund.reason && (
                  <>
                    {" · "}
                    <span dir="auto" className="break-words">
                      {refund.reason}
                    </span>
                  </>
                )}
              </p>
              {refund.error_description && <p className="text-[13px] text-danger">{refund.error_description}</p>}
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}

/** How the payment was booked: a debit is positive, a credit negative, and each movement adds up to zero. */
export function Ledger({ paymentId }: { paymentId: string }) {
  const query = api.useQuery("get", "/api/v1/payments/{payment_id}/ledger", {
    params: { path: { payment_id: paymentId } },
  });
  return (
    <Card
      title="Ledger"
      hint="Debits are positive, credits negative. Each movement adds up to zero, and nothing is ever changed."
    >
      <Loaded query={query}>
        {({ data }) =>
          data.length === 0 ? (
            <p className="text-[13px] text-subtle">Nothing is booked before money moves.</p>
          ) : (
            <ol className="grid grid-cols-[minmax(0,1fr)] gap-4">
              {data.map((transaction) => (
                <li key={transaction.id}>
                  <div className="flex flex-wrap items-baseline justify-between gap-2">
                    <span className="font-medium">{named(transaction.kind)}</span>
                    <span className="text-[13px] text-subtle">
                      <Moment at={transaction.created_at} />
                    </span>
                  </div>
                  <ul className="mt-1 grid grid-cols-[minmax(0,1fr)] gap-0.5">
                    {transaction.entries.map((entry, index) => (
                      <li key={index} className="flex items-baseline justify-between gap-4 text-[13px]">
                        <span className="min-w-0 truncate text-subtle" title={entry.account}>
                          {accountName(entry.account)}
                        </span>
                        <span className="numeric whitespace-nowrap">{money(entry.amount, entry.currency)}</span>
                      </li>
                    ))}
                  </ul>
                </li>
              ))}
            </ol>
          )
        }
      </Loaded>
    </Card>
  );
}

/** "gateway/gw_01…/receivable" -> "Gateway: receivable". */
export function accountName(account: string): string {
  const [owner, ...rest] = account.split("/").filter((part) => !/^[a-z]+_[0-9a-z]{20,}$/.test(part));
  return rest.length
    ? `${named(owner ?? "")}: ${rest.map((part) => part.replaceAll("_", " ")).join(" ")}`
    : named(owner ?? account);
}
