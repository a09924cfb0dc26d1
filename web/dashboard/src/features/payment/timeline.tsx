import { Link } from "@tanstack/react-router";
import { api } from "@/api/client";
import { useActorNames } from "@/features/actors";
import { cn } from "@/lib/cn";
import { duration, fullTime } from "@/lib/time";
import { eventName, named, type Tone, toneOf } from "@/lib/words";
import { Card } from "@/ui/card";
import { Empty, Loaded } from "@/ui/states";

const DOTS: Record<Tone, string> = {
  neutral: "bg-input",
  success: "bg-success",
  danger: "bg-danger",
  warning: "bg-warning",
  info: "bg-info",
};

/** Every step of a payment and of its refunds, with who took it and how long it was after the one before. */
export function Timeline({ paymentId }: { paymentId: string }) {
  const query = api.useQuery("get", "/api/v1/payments/{payment_id}/history", {
    params: { path: { payment_id: paymentId } },
  });
  const actorOf = useActorNames();
  return (
    <Card title="Timeline">
      <Loaded query={query}>
        {({ data }) =>
          data.length === 0 ? (
            <Empty title="Nothing has happened yet" />
          ) : (
            <ol className="relative grid gap-4">
              {data.map((step, index) => {
                const before = data[index - 1];
                const sinceMs = before ? new Date(step.at).getTime() - new Date(before.at).getTime() : null;
                return (
                  <li key={step.event_id} className="relative pl-6">
                    {index < data.length - 1 && (
                      <span aria-hidden className="absolute top-4 -bottom-5 left-[5px] w-px bg-border" />
                    )}
                    <span
                      aria-hidden
                      className={cn(
                        "absolute top-1.5 left-0 size-[11px] rounded-full",
                        DOTS[toneOf(step.to_status ?? "")],
                      )}
                    />
                    <div className="flex flex-col gap-x-3 sm:flex-row sm:items-baseline sm:justify-between">
                      <Link to={`/events/${step.event_id}` as string} className="font-medium hover:underline">
                        {eventName(step.type)}
                      </Link>
                      <time dateTime={step.at} className="numeric text-[13px] text-subtle">
                        {fullTime(step.at)}
                      </time>
                    </div>
                    <p className="text-[13px] text-subtle">
                      {actorOf(step.actor)}
                      {step.from_status && step.to_status && ` · ${named(step.from_status)} → ${named(step.to_status)}`}
                      {sinceMs !== null && sinceMs >= 0 && ` · after ${duration(sinceMs)}`}
                    </p>
                    {step.reason && (
                      <p dir="auto" className="mt-0.5 text-[13px] break-words">
                        {step.reason}
                      </p>
                    )}
                  </li>
                );
              })}
            </ol>
          )
        }
      </Loaded>
    </Card>
  );
}
