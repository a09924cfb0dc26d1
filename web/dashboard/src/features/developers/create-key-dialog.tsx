import { useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { api } from "@/api/client";
import { ApiError, messageOf } from "@/api/errors";
import type { components } from "@/api/schema";
import { ScopesField } from "@/features/developers/scopes-field";
import { endOfDay } from "@/lib/time";
import { useSession } from "@/session";
import { FormError } from "@/shell/outside";
import { Button } from "@/ui/button";
import { Dialog, DialogActions } from "@/ui/dialog";
import { Field, Input, TextArea } from "@/ui/field";

export type KeyWithSecret = components["schemas"]["ApiKeyWithSecret"];

/** A key for a program. Its secret is handed on, to be shown once. */
export function CreateKeyDialog({ onClose, onMade }: { onClose: () => void; onMade: (made: KeyWithSecret) => void }) {
  const { mode } = useSession();
  const queries = useQueryClient();
  const create = api.useMutation("post", "/api/v1/api_keys");
  const [chosen, setChosen] = useState<ReadonlySet<string> | null>(() => new Set());
  const [problem, setProblem] = useState<{ fields: Record<string, string>; text: string | null } | null>(null);
  const [key, setKey] = useState(() => crypto.randomUUID());

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    if (chosen !== null && chosen.size === 0) {
      setProblem({ fields: { permissions: "Choose at least one permission." }, text: null });
      return;
    }
    const networks = String(form.get("networks") ?? "");
    const day = String(form.get("expires") ?? "");
    const body = {
      name: String(form.get("name") ?? "").trim(),
      permissions: chosen === null ? ["*"] : [...chosen],
      allowed_networks: networks.split(/[\s,]+/).filter(Boolean),
      expires_at: (day && endOfDay(day)) || null,
    } as components["schemas"]["ApiKeyCreate"];
    create.mutate(
      { params: { header: { "Idempotency-Key": key } }, body },
      {
        onSuccess: (made) => {
          void queries.invalidateQueries();
          onClose();
          onMade(made);
        },
        onError: (error: unknown) => {
          // The next try may be another request, so it needs another key.
          if (error instanceof ApiError && error.status < 500) setKey(crypto.randomUUID());
          const fields = error instanceof ApiError ? error.fields : {};
          setProblem({ fields, text: Object.keys(fields).length ? null : messageOf(error) });
        },
      },
    );
  }
  const wrong = (name: string) =>
    Object.entries(problem?.fields ?? {}).find(([field]) => field.split(".")[0] === name)?.[1];

  return (
    <Dialog
      open
      wide
      onOpenChange={(open) => !open && onClose()}
      title={`Create a ${mode} key`}
      description={
        mode === "test" ? "It works with test data only. No money moves." : "It works with live data: real money moves."
      }
    >
      <form noValidate onSubmit={submit} className="grid gap-4">
        <Field label="Name" error={wrong("name")} hint="Which program uses it, such as “Shop backend”.">
          <Input name="name" required autoFocus autoComplete="off" maxLength={100} dir="auto" />
        </Field>
        <ScopesField chosen={chosen} onChange={setChosen} error={wrong("permissions")} />
        <div className="grid items-start gap-4 sm:grid-cols-2">
          <Field label="Last day (optional)" error={wrong("expires_at")} hint="Left empty, the key does not expire.">
            <Input name="expires" type="date" min={new Date().toISOString().slice(0, 10)} />
          </Field>
          <Field
            label="Allowed networks (optional)"
            error={wrong("allowed_networks")}
            hint="CIDR, one on each line. Left empty: from everywhere."
          >
            <TextArea
              name="networks"
              rows={2}
              dir="ltr"
              spellCheck={false}
              className="min-h-9 font-mono text-xs"
              placeholder="203.0.113.0/24"
            />
          </Field>
        </div>
        <FormError error={problem?.text ?? null} />
        <DialogActions>
          <Button onClick={onClose}>Cancel</Button>
          <Button look="primary" type="submit" busy={create.isPending}>
            Create key
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}
