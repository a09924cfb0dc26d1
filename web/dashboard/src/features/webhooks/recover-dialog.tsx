import { useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useEffect, useState } from "react";
import { api } from "@/api/client";
import { messageOf } from "@/api/errors";
import { named } from "@/lib/words";
import { Status } from "@/ui/badge";
import { Button } from "@/ui/button";
import { Dialog, DialogActions } from "@/ui/dialog";
import { Field, Input, Select } from "@/ui/field";
import { Fact, Facts } from "@/ui/page";

const HOUR_MS = 3_600_000;

/** The value of an `<input type="datetime-local">` for a moment here. */
function localValue(moment: Date): string {
  return new Date(moment.getTime() - moment.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

/** Sends again what an endpoint missed since a moment, and shows how far that is. */
export function RecoverDialog({ endpointId, onClose }: { endpointId: string; onClose: () => void }) {
  const queries = useQueryClient();
  const recover = api.useMutation("post", "/api/v1/webhook_endpoints/{endpoint_id}/recover");
  const [key, setKey] = useState(() => crypto.randomUUID());
  const started = recover.data;
  const progress = api.useQuery(
    "get",
    "/api/v1/webhook_endpoints/{endpoint_id}/recoveries/{recovery_id}",
    { params: { path: { endpoint_id: endpointId, recovery_id: started?.id ?? "" } } },
    {
      enabled: started !== undefined,
      refetchInterval: ({ state }) =>
        state.data?.status === "running" || (state.data?.pending ?? 1) > 0 ? 1_500 : false,
    },
  );

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    recover.mutate(
      {
        params: { path: { endpoint_id: endpointId }, header: { "Idempotency-Key": key } },
        body: {
          since: new Date(String(form.get("since"))).toISOString(),
          include: String(form.get("include")) as "failed" | "all_missing",
        },
      },
      {
        onSuccess: () => void queries.invalidateQueries(),
        onError: () => setKey(crypto.randomUUID()),
      },
    );
  }

  const shown = progress.data ?? started;
  const ended = shown ? shown.delivered + shown.failed : 0;
  // biome-ignore lint/correctness/useExhaustiveDependencies: the count is what changes
  useEffect(() => {
    void queries.invalidateQueries({ queryKey: ["get", "/api/v1/webhooks"] });
  }, [ended, queries]);

  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title="Send what was missed"
      description="Each event keeps its id, so your server recognises what it has handled already."
    >
      {shown ? (
        <>
          <Facts>
            <Fact name="State">
              <Status value={shown.status} />
            </Fact>
            {(["recovered", "pending", "delivered", "failed"] as const).map((name) => (
              <Fact key={name} name={name === "recovered" ? "Started" : named(name)}>
                <span className="numeric">{shown[name]}</span>
              </Fact>
            ))}
          </Facts>
          {shown.stopped_reason && <p className="mt-3 text-[13px] text-danger">{shown.stopped_reason}</p>}
          <DialogActions>
            <Button look="primary" onClick={onClose}>
              Close
            </Button>
          </DialogActions>
        </>
      ) : (
        <form onSubmit={submit} className="grid gap-4">
          <Field
            label="Since"
            hint="At most 90 days ago, in your time."
            error={recover.error ? messageOf(recover.error) : null}
          >
            <Input
              name="since"
              type="datetime-local"
              required
              defaultValue={localValue(new Date(Date.now() - 24 * HOUR_MS))}
            />
          </Field>
          <Field label="What">
            <Select name="include" defaultValue="failed">
              <option value="failed">Deliveries that failed</option>
              <option value="all_missing">All that it did not receive, also from before it was added</option>
            </Select>
          </Field>
          <DialogActions>
            <Button onClick={onClose}>Cancel</Button>
            <Button look="primary" type="submit" busy={recover.isPending}>
              Send
            </Button>
          </DialogActions>
        </form>
      )}
    </Dialog>
  );
}
