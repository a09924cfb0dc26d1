import { useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { api } from "@/api/client";
import { ApiError, messageOf } from "@/api/errors";
import type { components } from "@/api/schema";
import { KindFields, readFields } from "@/features/gateways/kind-fields";
import { MethodBoxes, NONE_CHOSEN, readMethods } from "@/features/gateways/methods";
import { toast } from "@/lib/toast";
import { Button } from "@/ui/button";
import { Dialog, DialogActions } from "@/ui/dialog";
import { Field, Input } from "@/ui/field";
import { Loaded } from "@/ui/states";

type Gateway = components["schemas"]["GatewayResource"];

/** Changes a gateway's name, credentials and settings. It is tried before anything is saved. */
export function ChangeDialog({ gateway, onClose }: { gateway: Gateway; onClose: () => void }) {
  const queries = useQueryClient();
  const kinds = api.useQuery("get", "/api/v1/gateways/kinds");
  const change = api.useMutation("patch", "/api/v1/gateways/{gateway_id}");
  const [problem, setProblem] = useState<{ text: string; fields: Record<string, string> } | null>(null);

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const kind = kinds.data?.data.find((each) => each.kind === gateway.kind);
    if (!kind) return;
    const form = new FormData(event.currentTarget);
    const credentials = readFields(form, kind.credentials, "credentials");
    const settings = readFields(form, kind.settings, "settings");
    if (!credentials || !settings) {
      setProblem({ text: "A field that takes JSON cannot be read. Check its commas and quotes.", fields: {} });
      return;
    }
    const methods = readMethods(form, gateway);
    if (methods?.length === 0) {
      setProblem({ text: "The gateway is used for no payment method.", fields: { methods: NONE_CHOSEN } });
      return;
    }
    // A setting that was emptied is removed; a flag that was switched back to its default is, too.
    const emptied = Object.keys(gateway.settings).filter((name) => !(name in settings));
    const networks = String(form.get("networks") ?? "")
      .split(/[\s,]+/)
      .filter(Boolean);
    change.mutate(
      {
        params: { path: { gateway_id: gateway.id } },
        body: {
          name: String(form.get("name") ?? "").trim() || gateway.name,
          credentials,
          settings: { ...settings, ...Object.fromEntries(emptied.map((name) => [name, null])) },
          allowed_networks: networks,
          ...(methods === undefined ? {} : { methods }),
        } as never,
      },
      {
        onSuccess: () => {
          toast.success("Saved");
          void queries.invalidateQueries();
          onClose();
        },
        onError: (error: unknown) =>
          setProblem({ text: messageOf(error), fields: error instanceof ApiError ? error.fields : {} }),
      },
    );
  }

  return (
    <Dialog
      open
      wide
      onOpenChange={(open) => !open && onClose()}
      title="Change the gateway"
      description="It is tried before anything is saved. No money moves."
    >
      <Loaded query={kinds}>
        {({ data }) => {
          const kind = data.find((each) => each.kind === gateway.kind);
          return (
            <form onSubmit={submit} className="grid gap-4">
              <Field label="Your name for it" error={problem?.fields.name}>
                <Input name="name" dir="auto" maxLength={100} required defaultValue={gateway.name} />
              </Field>
              <MethodBoxes gateway={gateway} error={problem?.fields.methods} />
              {kind && (
                <>
                  <KindFields
                    fields={kind.credentials}
                    prefix="credentials"
                    secret
                    kept={gateway.credentials}
                    errors={problem?.fields ?? {}}
                  />
                  <KindFields
                    fields={kind.settings}
                    prefix="settings"
                    kept={gateway.settings}
                    errors={problem?.fields ?? {}}
                  />
                </>
              )}
              <Field
                label="Webhooks may come from (optional)"
                hint="Networks such as 203.0.113.0/24, separated by commas. Empty: from anywhere."
                error={problem?.fields.allowed_networks}
              >
                <Input
                  name="networks"
                  dir="ltr"
                  autoComplete="off"
                  defaultValue={gateway.allowed_networks.join(", ")}
                />
              </Field>
              {problem && (
                <p role="alert" dir="auto" className="rounded-lg bg-danger-soft px-3 py-2 text-[13px]">
                  {problem.text}
                </p>
              )}
              <DialogActions>
                <Button onClick={onClose}>Cancel</Button>
                <Button look="primary" type="submit" busy={change.isPending}>
                  Test and save
                </Button>
              </DialogActions>
            </form>
          );
        }}
      </Loaded>
    </Dialog>
  );
}
