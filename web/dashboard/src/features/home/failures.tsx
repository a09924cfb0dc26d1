import { Link } from "@tanstack/react-router";
import type { components } from "@/api/schema";
import { count } from "@/lib/money";
import { named } from "@/lib/words";
import { Card } from "@/ui/card";

type Failure = components["schemas"]["FailureFigure"];

/** Why payments of today failed, the most frequent reason first. */
export function Failures({ failures }: { failures: Failure[] }) {
  const most = Math.max(1, ...failures.map((each) => each.payments));
  return (
    <Card title="Why payments failed today">
      {failures.length === 0 ? (
        <p className="text-[13px] text-subtle">No payment failed today.</p>
      ) : (
        <ul className="grid grid-cols-[minmax(0,1fr)] gap-3">
          {failures.slice(0, 8).map((each) => (
            <li key={each.code}>
              <div className="flex items-baseline justify-between gap-3">
                <Link
                  to={"/payments?status=failed" as string}
                  className="min-w-0 truncate hover:underline"
                  title={each.code}
                >
                  {named(each.code)}
                </Link>
                <span className="numeric">{count(each.payments)}</span>
              </div>
              <div aria-hidden className="mt-1 h-1.5 overflow-hidden rounded-full bg-muted">
                <div
                  className="h-full rounded-full bg-danger/70"
                  style={{ width: `${(each.payments / most) * 100}%` }}
                />
              </div>
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}
