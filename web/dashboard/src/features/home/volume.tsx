import { keepPreviousData } from "@tanstack/react-query";
import { lazy, Suspense, useMemo, useState } from "react";
import { api } from "@/api/client";
import type { components } from "@/api/schema";
import { cn } from "@/lib/cn";
import { compactMoney, money } from "@/lib/money";
import { useSession } from "@/session";
import { Card } from "@/ui/card";
import { Empty, Loaded, Skeleton } from "@/ui/states";

const Chart = lazy(() => import("@/ui/chart"));
const CHART_ROOM = "h-[300px] w-full";

const SPANS = [
  { days: 1, label: "24 hours", interval: "hour" },
  { days: 7, label: "7 days", interval: "day" },
  { days: 30, label: "30 days", interval: "day" },
] as const;

/** The start of the hour some days ago: the same within an hour, so that the answer is taken from the cache. */
function since(days: number): string {
  const hour = 3_600_000;
  return new Date(Math.floor(Date.now() / hour) * hour - days * 24 * hour).toISOString();
}

type Span = (typeof SPANS)[number];

/** The figures of the chart; at first those of the last 7 days. */
export function useVolume(span: Span = SPANS[1]) {
  const { can } = useSession();
  return api.useQuery(
    "get",
    "/api/v1/statistics/series",
    { params: { query: { since: since(span.days), interval: span.interval } } },
    { placeholderData: keepPreviousData, staleTime: 60_000, enabled: can("statistics:read") },
  );
}

export function Volume() {
  const [span, setSpan] = useState<Span>(SPANS[1]);
  const query = useVolume(span);
  const [currency, setCurrency] = useState<string | null>(null);
  return (
    <Card
      title="Volume and payments"
      hint="By the day or hour in which payments were created."
      action={
        <fieldset className="flex rounded-lg border border-border p-0.5">
          <legend className="sr-only">Time span</legend>
          {SPANS.map((each) => (
            <button
              key={each.days}
              type="button"
              aria-pressed={each === span}
              onClick={() => setSpan(each)}
              className={cn(
                "rounded-md px-2.5 py-1 text-[13px]",
                each === span ? "bg-muted font-medium" : "text-subtle",
              )}
            >
              {each.label}
            </button>
          ))}
        </fieldset>
      }
    >
      <Loaded query={query} skeleton={<Skeleton className={CHART_ROOM} />}>
        {({ series, buckets, time_zone }) => {
          const line = series.find((each) => each.currency === currency) ?? series[0];
          if (!line) return <Empty title="No payments in this time">The chart begins with the first payment.</Empty>;
          return (
            <>
              {series.length > 1 && (
                <fieldset className="mb-3 flex flex-wrap gap-2">
                  <legend className="sr-only">Currency</legend>
                  {series.map((each) => (
                    <button
                      key={each.currency}
                      type="button"
                      aria-pressed={each === line}
                      onClick={() => setCurrency(each.currency)}
                      className={cn(
                        "rounded-full border border-border px-3 py-1 text-[13px]",
                        each === line ? "bg-primary-soft text-on-primary-soft" : "text-subtle hover:bg-muted",
                      )}
                    >
                      {money(
                        each.volume.reduce((sum, value) => sum + value, 0),
                        each.currency,
                      )}
                    </button>
                  ))}
                </fieldset>
              )}
              <VolumeChart
                line={line}
                buckets={buckets}
                hourly={span.interval === "hour"}
                span={span.label}
                timeZone={time_zone}
              />
              <p className="mt-2 text-xs text-subtle">Days begin at midnight in {time_zone}.</p>
            </>
          );
        }}
      </Loaded>
    </Card>
  );
}

type Line = components["schemas"]["LineResource"];

function VolumeChart(props: { line: Line; buckets: string[]; hourly: boolean; span: string; timeZone: string }) {
  const { line, buckets, hourly, span, timeZone } = props;
  const lines = useMemo(() => {
    const { currency } = line;
    return [
      {
        name: "Volume",
        values: line.volume,
        format: (value: number) => money(Math.round(value), currency),
        tick: (value: number) => compactMoney(value, currency),
        axis: "left" as const,
      },
      { name: "Succeeded", values: line.succeeded, format: String, axis: "right" as const },
      { name: "Failed", values: line.failed, format: String, axis: "right" as const, tone: "danger" as const },
    ];
  }, [line]);
  return (
    <Suspense fallback={<Skeleton className={CHART_ROOM} />}>
      <Chart
        label={`Volume in ${line.currency} over ${span}`}
        moments={buckets}
        hourly={hourly}
        timeZone={timeZone}
        lines={lines}
      />
    </Suspense>
  );
}
