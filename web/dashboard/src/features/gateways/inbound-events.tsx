import { useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { api } from "@/api/client";
import { messageOf } from "@/api/errors";
import { placeOf } from "@/lib/ids";
import { toast } from "@/lib/toast";
import { named } from "@/lib/words";
import { Allowed } from "@/session";
import { usePolling } from "@/shell/live";
import { Badge } from "@/ui/badge";
import { Button } from "@/ui/button";
import { Card } from "@/ui/card";
import { Moment } from "@/ui/moment";
import { Loaded } from "@/ui/states";

/** What the gateway sent, whether it was genuine, and what became of it. Each can be processed again. */
export function InboundEvents({ gatewayId }: { gatewayId: string }) {
  const queries = useQueryClient();
  const query = api.useQuery(
    "get",
    "/api/v1/gateway_events",
    { params: { query: { gateway_id: gatewayId, limit: 25 } } },
    { refetchInterval: usePolling() },
  );
  const replay = api.useMutation("post", "/api/v1/gateway_events/{gateway_event_id}/replay");
  return (
    <Card
      title="What it sent"
      hint="Requests to the webhook address, the newest first. Bodies are kept, and not shown."
    >
      <Loaded query={query}>
        {({ data }) =>
          data.length === 0 ? (
            <p className="text-[13px] text-subtle">Nothing came yet. Is the webhook address entered at the gateway?</p>
          ) : (
            <ul className="divide-y divide-border">
              {data.map((event) => {
                const place = event.subject_id ? placeOf(event.subject_id) : null;
                return (
                  <li
                    key={event.id}
                    className="flex flex-wrap items-center justify-between gap-x-4 gap-y-2 py-2.5 text-[13px]"
                  >
                    <div className="min-w-0 flex-1 basis-60">
                      <p className="flex flex-wrap items-center gap-2">
                        <Badge tone={event.verdict === "verified" ? "success" : "danger"}>{named(event.verdict)}</Badge>
                        <span>{named(event.disposition)}</span>
                        <span className="text-subtle">
                          <Moment at={event.received_at} />
                        </span>
                      </p>
                      <p className="mt-0.5 break-words text-subtle">
                        {place ? (
                          <Link to={place as string} className="font-mono text-xs text-primary hover:underline">
                            {event.subject_id}
                          </Link>
                        ) : (
                          <code className="font-mono text-xs break-all">{event.event_id ?? event.id}</code>
                        )}
                        {event.reason && <span dir="auto"> · {event.reason}</span>}
                      </p>
                    </div>
                    <Allowed permission="gateway_events:write">
                      <Button
                        size="sm"
                        busy={replay.isPending && replay.variables?.params.path.gateway_event_id === event.id}
                        onClick={() =>
                          replay.mutate(
                            { params: { path: { gateway_event_id: event.id } } },
                            {
                              onSuccess: () => {
                                toast.success("Processed again", "A repeat never moves money twice.");
                                void queries.invalidateQueries();
                              },
                              onError: (error: unknown) => toast.error("Not processed", messageOf(error)),
                            },
                          )
                        }
                      >
                        Process again
                      </Button>
                    </Allowed>
                  </li>
                );
              })}
            </ul>
          )
        }
      </Loaded>
    </Card>
  );
}
