import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Laptop, Terminal } from "lucide-react";
import { messageOf } from "@/api/errors";
import { raw } from "@/api/raw";
import { ago, fullTime } from "@/lib/time";
import { toast } from "@/lib/toast";
import { Badge } from "@/ui/badge";
import { Button } from "@/ui/button";
import { Card } from "@/ui/card";
import { Loaded } from "@/ui/states";

/** Where a person is signed in, and the way to end it. */
export function Sessions() {
  const queries = useQueryClient();
  const query = useQuery({
    queryKey: ["my-sessions"],
    queryFn: () => raw("GET", "/users/me/sessions"),
  });
  const end = useMutation({
    mutationFn: (id: string | null) => raw("DELETE", id === null ? "/users/me/sessions" : `/users/me/sessions/${id}`),
    onSuccess: (_answer, id) => {
      toast.success(id === null ? "All other sessions have ended" : "The session has ended");
      void queries.invalidateQueries({ queryKey: ["my-sessions"] });
    },
    onError: (error) => toast.error("The session was not ended", messageOf(error)),
  });
  const others = query.data?.data.filter((session) => !session.is_current).length ?? 0;
  return (
    <Card
      title="Sessions"
      hint="Browsers and programs that are signed in as you. End one that you do not know, then change your password."
      action={
        others > 0 && (
          <Button size="sm" look="danger" busy={end.isPending} onClick={() => end.mutate(null)}>
            End all others
          </Button>
        )
      }
    >
      <Loaded query={query}>
        {({ data }) => (
          <ul className="divide-y divide-border">
            {data.map((session) => (
              <li key={session.id} className="flex items-start justify-between gap-3 py-3 first:pt-0 last:pb-0">
                <div className="flex min-w-0 items-start gap-3">
                  {session.kind === "browser" ? (
                    <Laptop aria-hidden className="mt-0.5 size-4 shrink-0 text-subtle" />
                  ) : (
                    <Terminal aria-hidden className="mt-0.5 size-4 shrink-0 text-subtle" />
                  )}
                  <div className="min-w-0">
                    <p className="break-words">
                      {session.device || "Unknown device"}{" "}
                      {session.is_current && <Badge tone="success">This one</Badge>}
                    </p>
                    <p className="text-[13px] text-subtle">
                      {session.address ?? "unknown address"} ·{" "}
                      <span title={fullTime(session.last_used_at)}>used {ago(session.last_used_at)}</span> · since{" "}
                      {fullTime(session.created_at)}
                    </p>
                  </div>
                </div>
                {!session.is_current && (
                  <Button
                    size="sm"
                    onClick={() => end.mutate(session.id)}
                    aria-label={`End the session on ${session.device}`}
                  >
                    End
                  </Button>
                )}
              </li>
            ))}
          </ul>
        )}
      </Loaded>
    </Card>
  );
}
