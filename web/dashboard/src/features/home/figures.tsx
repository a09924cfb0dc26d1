import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { components } from "@/api/schema";
import { cn } from "@/lib/cn";
import { atLeast, count, money, percent, plural } from "@/lib/money";

type Overview = components["schemas"]["OverviewResource"];
type Period = components["schemas"]["PeriodResource"];

/** +12.5 % in relation to before; null when there was nothing before. */
export function change(now: number, before: number): number | null {
  return before === 0 ? null : (now - before) / before;
}

function Change({
  now,
  before,
  of,
  worseWhenMore = false,
}: {
  now: number;
  before: number;
  of: string;
  worseWhenMore?: boolean;
}) {
  const ratio = change(now, before);
  if (ratio === null) return null;
  const better = worseWhenMore ? ratio < 0 : ratio > 0;
  const sign = ratio > 0 ? "+" : ratio < 0 ? "−" : "±";
  return (
    <span>
      {of}:{" "}
      <span
        className={cn(
          "numeric font-medium whitespace-nowrap",
          Math.abs(ratio) < 0.0005 ? "" : better ? "text-success" : "text-danger",
        )}
      >
        {sign}
        {Math.abs(ratio) < 1 ? percent(Math.abs(ratio)) : `${count(Math.round(Math.abs(ratio) * 100))} %`}
      </span>
    </span>
  );
}

export function Figure({
  name,
  hint,
  value,
  below,
  to,
}: {
  name: string;
  hint?: string;
  value: ReactNode;
  below?: ReactNode;
  to?: string;
}) {
  return (
    <div className="relative min-w-0 rounded-xl border border-border bg-surface p-3.5 sm:p-5">
      <p className="text-[13px] text-subtle" title={hint}>
        {to ? (
          <Link to={to} className="after:absolute after:inset-0 after:rounded-xl hover:underline">
            {name}
          </Link>
        ) : (
          name
        )}
      </p>
      <div className="numeric mt-1 min-w-0 text-xl font-semibold tracking-tight break-words sm:text-2xl">{value}</div>
      {below && <div className="mt-1 grid gap-0.5 text-[13px] text-subtle">{below}</div>}
    </div>
  );
}

function volumeOf(period: Period, currency: string): number {
  return period.volume.find((each) => each.currency === currency)?.amount ?? 0;
}

/** Today beside the same hours of yesterday and of the same day last week. */
export function Figures({ overview }: { overview: Overview }) {
  const { today, yesterday, last_week: lastWeek, now } = overview;
  const currencies = [
    ...new Set([today, yesterday, lastWeek].flatMap((period) => period.volume.map((each) => each.currency))),
  ];
  const failures = today.failed + today.expired;
  const seen = (number: number) => atLeast(count(number), today.complete);
  // What is not known in whole is not compared.
  const [isComparedWithYesterday, isComparedWithLastWeek] = [yesterday, lastWeek].map(
    (period) => today.complete && period.complete,
  );
  const isCounted = (number: number) => number < now.counted_max;
  const inReview = now.payments_in_review + now.refunds_in_review;
  const isReviewCounted = isCounted(now.payments_in_review) && isCounted(now.refunds_in_review);
  return (
    <div className="grid grid-cols-2 gap-3 sm:gap-4 lg:grid-cols-4">
      <Figure
        name="Volume today"
        hint="What was captured of payments that were created today. Currencies are never added."
        value={
          currencies.length === 0 ? (
            "–"
          ) : (
            <span className={cn("grid gap-0.5", currencies.length > 1 && "text-base sm:text-lg")}>
              {currencies.map((currency) => (
                <span key={currency}>{atLeast(money(volumeOf(today, currency), currency), today.complete)}</span>
              ))}
            </span>
          )
        }
        below={
          currencies.length === 1 ? (
            <>
              {isComparedWithYesterday && (
                <Change
                  of="on yesterday by now"
                  now={volumeOf(today, currencies[0]!)}
                  before={volumeOf(yesterday, currencies[0]!)}
                />
              )}
              {isComparedWithLastWeek && (
                <Change
                  of="on last week by now"
                  now={volumeOf(today, currencies[0]!)}
                  before={volumeOf(lastWeek, currencies[0]!)}
                />
              )}
            </>
          ) : null
        }
      />
      <Figure
        name="Success rate"
        hint="Succeeded, of those that succeeded, failed or expired. Open, cancelled and reviewed payments count in neither."
        value={percent(today.success_rate)}
        below={
          <>
            <span>yesterday by now: {percent(yesterday.success_rate)}</span>
            <span>last week by now: {percent(lastWeek.success_rate)}</span>
            {today.open > 0 && <span>{seen(today.open)} still open</span>}
            {!today.complete && <span>of the newest {count(today.created)} payments</span>}
          </>
        }
      />
      <Figure
        name="Payments today"
        to="/payments"
        value={seen(today.created)}
        below={
          <>
            {isComparedWithYesterday && (
              <Change of="on yesterday by now" now={today.created} before={yesterday.created} />
            )}
            {isComparedWithLastWeek && (
              <Change of="on last week by now" now={today.created} before={lastWeek.created} />
            )}
          </>
        }
      />
      <Figure
        name="Failed or expired today"
        to="/payments?status=failed"
        value={seen(failures)}
        below={
          isComparedWithYesterday && (
            <Change
              of="on yesterday by now"
              now={failures}
              before={yesterday.failed + yesterday.expired}
              worseWhenMore
            />
          )
        }
      />
      <Figure
        name="Refunds today"
        to="/refunds"
        value={
          today.refunds.length === 0 ? (
            "0"
          ) : (
            <span className={cn("grid gap-0.5", today.refunds.length > 1 && "text-base sm:text-lg")}>
              {today.refunds.map((each) => (
                <span key={each.currency}>{atLeast(money(each.amount, each.currency), today.refunds_complete)}</span>
              ))}
            </span>
          )
        }
        below={plural(
          today.refunds.reduce((sum, each) => sum + each.refunds, 0),
          "refund",
          "refunds",
          today.refunds_complete,
        )}
      />
      <Figure
        name="Webhooks that failed today"
        value={atLeast(count(today.webhooks.failed), today.webhooks.complete)}
        below={
          <>
            <span>of {plural(today.webhooks.deliveries, "delivery", "deliveries", today.webhooks.complete)}</span>
            {today.webhooks.pending > 0 && (
              <span>
                {atLeast(count(today.webhooks.pending), today.webhooks.complete)} waiting for the next attempt
              </span>
            )}
            {now.endpoints_disabled > 0 && (
              <span className="text-danger">
                {plural(now.endpoints_disabled, "endpoint is", "endpoints are")} disabled
              </span>
            )}
          </>
        }
      />
      <Figure
        name="Under review"
        to="/payments?status=needs_review"
        hint="What happened at the gateway is not known for sure. An operator decides; nothing is guessed."
        value={atLeast(count(inReview), isReviewCounted)}
        below={
          inReview === 0 ? (
            "Nothing is in doubt."
          ) : (
            <span className="text-warning">
              {plural(now.payments_in_review, "payment", "payments", isCounted(now.payments_in_review))},{" "}
              {plural(now.refunds_in_review, "refund", "refunds", isCounted(now.refunds_in_review))}
            </span>
          )
        }
      />
      <Figure
        name="Open now"
        value={atLeast(count(now.payments_open), isCounted(now.payments_open))}
        below="Payments that wait for a customer or a gateway."
      />
    </div>
  );
}
