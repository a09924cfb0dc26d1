import { useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { api } from "@/api/client";
import { ApiError, messageOf } from "@/api/errors";
import type { components } from "@/api/schema";
import { EVENT_TYPES } from "@/features/webhooks/event-types";
import { toast } from "@/lib/toast";
import { named } from "@/lib/words";
import { Button } from "@/ui/button";
import { Dialog, DialogActions } from "@/ui/dialog";
import { Checkbox, Field, Input } from "@/ui/field";

export type Endpoint = components["schemas"]["EndpointResource"];

const ALL_TYPES = Object.values(EVENT_TYPES).flat();

/** Seconds as people write them: "30s, 5m, 2h". Null: it cannot be read. */
export function parseIntervals(text: string): number[] | null {
  const units: Record<string, number> = { s: 1, m: 60, h: 3_600, d: 86_400 };
  const parts = text.split(",").map((part) => /^\s*(\d+)\s*([smhd]?)\s*$/.exec(part));
  if (parts.some((part) => part === null)) return null;
  return parts.map((part) => Number(part?.[1]) * (units[part?.[2] || "s"] ?? 1));
}

export function writtenIntervals(seconds: number[]): string {
  const unit = (each: number) =>
    each % 3_600 === 0 ? `${each / 3_600}h` : each % 60 === 0 ? `${each / 60}m` : `${each}s`;
  return seconds.map(unit).join(", ");
}

/** Registers an endpoint, or changes one. The secret of a new one is handed on, to be shown once. */
export function EndpointDialog({
  endpoint,
  onClose,
  onMade,
}: {
  endpoint?: Endpoint;
  onClose: () => void;
  onMade?: (secret: string) => void;
}) {
  const queries = useQueryClient();
  const create = api.useMutation("post", "/api/v1/webhook_endpoints");
  const change = api.useMutation("patch", "/api/v1/webhook_endpoints/{endpoint_id}");
  const [all, setAll] = useState(!endpoint || endpoint.event_types.includes("*"));
  const [types, setTypes] = useState<ReadonlySet<string>>(
    () => new Set(endpoint?.event_types.filter((t) => t !== "*")),
  );
  const [problem, setProblem] = useState<{ fields: Record<string, string>; text: string } | null>(null);
  const [key] = useState(() => crypto.randomUUID());

  function toggle(names: string[], on: boolean) {
    setTypes((before) => {
      const next = new Set(before);
      for (const name of names) on ? next.add(name) : next.delete(name);
      return next;
    });
  }

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const schedule = String(form.get("schedule") ?? "").trim();
    const intervals = schedule ? parseIntervals(schedule) : null;
    if (schedule && !intervals) {
      setProblem({ fields: { retry_intervals_s: "Write times such as 1m, 5m, 2h." }, text: "" });
      return;
    }
    if (!all && types.size === 0) {
      setProblem({ fields: { event_types: "Choose at least one event type, or all." }, text: "" });
      return;
    }
    const body = {
      url: String(form.get("url") ?? "").trim(),
      description: String(form.get("description") ?? "").trim() || null,
      event_types: all ? ["*"] : ALL_TYPES.filter((type) => types.has(type)),
      retry_intervals_s: intervals,
    } as never;
    const onError = (error: unknown) =>
      setProblem({ fields: error instanceof ApiError ? error.fields : {}, text: messageOf(error) });
    if (endpoint) {
      change.mutate(
        { params: { path: { endpoint_id: endpoint.id } }, body },
        {
          onSuccess: () => {
            toast.success("Saved");
            void queries.invalidateQueries();
            onClose();
          },
          onError,
        },
      );
      return;
    }
    create.mutate(
      { params: { header: { "Idempotency-Key": key } }, body },
      {
        onSuccess: (made) => {
          void queries.invalidateQueries();
          onClose();
          onMade?.(made.secret);
        },
        onError,
      },
    );
  }

  return (
    <Dialog
      open
      wide
      onOpenChange={(open) => !open && onClose()}
      title={endpoint ? "Change the endpoint" : "Add an endpoint"}
      description="Clearway sends a signed POST to this address when something changes, and tries again until it is accepted."
    >
      <form noValidate onSubmit={submit} className="grid gap-4">
        <Field
          label="Address"
          error={
            problem?.fields.url ?? (problem?.text && Object.keys(problem.fields).length === 0 ? problem.text : null)
          }
          hint="An https address that the internet can reach."
        >
          <Input
            name="url"
            type="url"
            required
            autoFocus
            dir="ltr"
            placeholder="https://shop.example/webhooks"
            defaultValue={endpoint?.url}
          />
        </Field>
        <Field label="Description (optional)" error={problem?.fields.description}>
          <Input name="description" maxLength={255} dir="auto" defaultValue={endpoint?.description ?? ""} />
        </Field>
        <fieldset className="grid gap-3">
          <legend className="mb-1.5 text-[13px] font-medium">Events</legend>
          <Checkbox
            label="All events"
            hint="Also those that later versions of Clearway send."
            checked={all}
            onChange={(event) => setAll(event.target.checked)}
          />
          {!all && (
            <div className="grid max-h-72 gap-4 overflow-y-auto rounded-lg border border-border p-3 sm:grid-cols-2">
              {Object.entries(EVENT_TYPES).map(([kind, names]) => (
                <div key={kind} className="grid content-start gap-1.5">
                  <Checkbox
                    label={`${named(kind)}: all`}
                    checked={names.every((name) => types.has(name))}
                    onChange={(event) => toggle(names, event.target.checked)}
                  />
                  {names.map((name) => (
                    <div key={name} className="pl-6">
                      <Checkbox
                        label={<code className="font-mono text-xs font-normal">{name}</code>}
                        checked={types.has(name)}
                        onChange={(event) => toggle([name], event.target.checked)}
                      />
                    </div>
                  ))}
                </div>
              ))}
            </div>
          )}
          {problem?.fields.event_types && (
            <p role="alert" className="text-[13px] text-danger">
              {problem.fields.event_types}
            </p>
          )}
        </fieldset>
        <Field
          label="Waits between attempts (optional)"
          error={problem?.fields.retry_intervals_s}
          hint="Such as 1m, 5m, 30m, 2h. Left empty, the schedule of this installation is used."
        >
          <Input
            name="schedule"
            autoComplete="off"
            defaultValue={endpoint?.retry_intervals_s ? writtenIntervals(endpoint.retry_intervals_s) : ""}
          />
        </Field>
        <DialogActions>
          <Button onClick={onClose}>Cancel</Button>
          <Button look="primary" type="submit" busy={create.isPending || change.isPending}>
            {endpoint ? "Save" : "Add endpoint"}
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}
