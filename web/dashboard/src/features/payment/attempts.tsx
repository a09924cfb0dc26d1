import { api } from "@/api/client";
import { duration, fullTime } from "@/lib/time";
import { named } from "@/lib/words";
import { Status } from "@/ui/badge";
import { Card } from "@/ui/card";
import { Copyable } from "@/ui/copy";
import { ApiErrorNote } from "@/ui/note";
import { Loaded } from "@/ui/states";

const EXECUTED: Record<string, string> = {
  no: "The gateway surely moved no money.",
  maybe: "It is not known whether the gateway moved money; it is asked.",
  yes: "The gateway carried the request out and decided.",
};

/** Where a payment was tried, how long each attempt took, and why it ended as it did. */
export function Attempts({ paymentId }: { paymentId: string }) {
  const query = api.useQuery("get", "/api/v1/payments/{payment_id}/attempts", {
    params: { path: { payment_id: paymentId } },
  });
  return (
    <Card
      title="Attempts"
      hint="Each try at a gateway. A further one is made only when the one before surely moved no money."
    >
      <Loaded query={query}>
        {({ data }) => (
          <ol className="grid gap-4">
            {data.map((attempt) => (
              <li key={attempt.number} className="border-t border-border pt-3 first:border-t-0 first:pt-0">
                <div className="flex flex-wrap items-center justify-between gap-2">
                  <span className="font-medium">
                    {attempt.number}. {named(attempt.gateway)}
                  </span>
                  <Status value={attempt.status} />
                </div>
                <p className="mt-0.5 text-[13px] text-subtle">
                  {fullTime(attempt.started_at)}
                  {attempt.ended_at &&
                    ` · took ${duration(new Date(attempt.ended_at).getTime() - new Date(attempt.started_at).getTime())}`}
                </p>
                <Copyable text={attempt.gateway_id} what="gateway id" className="mt-0.5 text-subtle" />
                {attempt.error_code && (
                  <ApiErrorNote
                    code={attempt.error_code}
                    text={attempt.error_description ?? null}
                    details={[
                      attempt.raw_code ? `gateway's code ${attempt.raw_code}` : null,
                      attempt.network_code ? `network's code ${attempt.network_code}` : null,
                      attempt.executed ? EXECUTED[attempt.executed] : null,
                    ]}
                  />
                )}
              </li>
            ))}
          </ol>
        )}
      </Loaded>
    </Card>
  );
}
