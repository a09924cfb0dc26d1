import { useQueryClient } from "@tanstack/react-query";
import { AlertTriangle, Check, ChevronRight } from "lucide-react";
import { type FormEvent, useEffect, useRef, useState } from "react";
import { api } from "@/api/client";
import { ApiError, messageOf } from "@/api/errors";
import type { components } from "@/api/schema";
import { KindFields, readFields } from "@/features/gateways/kind-fields";
import { Abilities, MethodBoxes, NONE_CHOSEN, readMethods } from "@/features/gateways/methods";
import { methodsWords } from "@/features/gateways/words";
import { toast } from "@/lib/toast";
import { named } from "@/lib/words";
import { Button } from "@/ui/button";
import { Copyable } from "@/ui/copy";
import { Dialog, DialogActions } from "@/ui/dialog";
import { Checkbox, Field, Input } from "@/ui/field";
import { Prose } from "@/ui/prose";
import { Loaded } from "@/ui/states";

type Kind = components["schemas"]["GatewayKindResource"];
type Saved = components["schemas"]["GatewaySaved"];

const TITLES = { 3: "Choose what it is for", 4: "Connect its webhook" } as const;

/**
 * Connects a gateway: its kind, its credentials, which are tried before they are saved, its methods, and the address of its
 * webhook. It is saved disabled, so that no payment comes to it by a method that nobody has chosen.
 */
export function ConnectWizard({ onClose }: { onClose: () => void }) {
  const kinds = api.useQuery("get", "/api/v1/gateways/kinds");
  const [kind, setKind] = useState<Kind | null>(null);
  const [connected, setConnected] = useState<{ gateway: Saved; tested: boolean } | null>(null);
  const [finished, setFinished] = useState<Saved | null>(null);
  const step = finished ? 4 : connected ? 3 : kind ? 2 : 1;
  const title = step > 2 ? TITLES[step as 3 | 4] : kind ? `Connect ${kind.title}` : "Choose a gateway";

  // Each step begins at its top: the dialog keeps its place when its content changes.
  const top = useRef<HTMLDivElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the step is what it follows
  useEffect(() => {
    top.current?.closest("[role=dialog]")?.scrollTo({ top: 0 });
  }, [step]);

  function close() {
    if (connected && !finished) {
      toast.success(`${connected.gateway.name} is saved, and disabled`, "Enable it when payments may use it.");
    }
    onClose();
  }

  return (
    <Dialog open wide onOpenChange={(open) => !open && close()} title={title} description={`Step ${step} of 4`}>
      <div ref={top}>
        {finished ? (
          <Done saved={finished} onClose={close} />
        ) : connected ? (
          <Methods {...connected} onSaved={setFinished} />
        ) : kind ? (
          <Credentials
            kind={kind}
            onBack={() => setKind(null)}
            onSaved={(gateway, tested) => setConnected({ gateway, tested })}
          />
        ) : (
          <Loaded query={kinds}>
            {({ data }) => (
              <ul className="grid gap-2">
                {data.map((each) => (
                  <li key={each.kind}>
                    <button
                      type="button"
                      onClick={() => setKind(each)}
                      className="flex w-full items-center justify-between gap-3 rounded-lg border border-border px-4 py-3 text-left hover:bg-muted"
                    >
                      <span>
                        <span className="font-medium">{each.title}</span>
                        <span className="block text-[13px] text-subtle">
                          {takes(each)} {needs(each)}
                        </span>
                      </span>
                      <ChevronRight aria-hidden className="size-4 shrink-0 text-subtle" />
                    </button>
                  </li>
                ))}
              </ul>
            )}
          </Loaded>
        )}
      </div>
    </Dialog>
  );
}

/** What somebody must have at hand to connect a gateway of a kind. */
function needs(kind: Kind): string {
  const fields = [...kind.credentials, ...kind.settings].filter((field) => field.required);
  if (fields.length === 0) return "You need nothing to connect it.";
  return `You need: ${fields.map((field) => named(field.name).toLowerCase()).join(", ")}.`;
}

function takes(kind: Kind): string {
  return kind.capabilities ? `Takes ${methodsWords(kind.capabilities.methods)}.` : "Takes what its document says.";
}

function Credentials({
  kind,
  onBack,
  onSaved,
}: {
  kind: Kind;
  onBack: () => void;
  onSaved: (saved: Saved, tested: boolean) => void;
}) {
  const queries = useQueryClient();
  const create = api.useMutation("post", "/api/v1/gateways");
  const [key, setKey] = useState(() => crypto.randomUUID());
  const [problem, setProblem] = useState<{ text: string; code: string; fields: Record<string, string> } | null>(null);

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const credentials = readFields(form, kind.credentials, "credentials");
    const settings = readFields(form, kind.settings, "settings");
    if (!credentials || !settings) {
      setProblem({
        text: "A field that takes JSON cannot be read. Check its commas and quotes.",
        code: "",
        fields: {},
      });
      return;
    }
    setProblem(null);
    const name = String(form.get("name") ?? "").trim();
    const test = form.get("untested") !== "on";
    create.mutate(
      {
        params: { header: { "Idempotency-Key": key } },
        body: {
          kind: kind.kind,
          credentials,
          settings,
          ...(name ? { name } : {}),
          enabled: false,
          test,
        } as never,
      },
      {
        onSuccess: (saved) => {
          void queries.invalidateQueries();
          onSaved(saved, test);
        },
        onError: (error: unknown) => {
          const { code, fields } = error instanceof ApiError ? error : { code: "", fields: {} };
          setProblem({ text: messageOf(error), code, fields });
          if (error instanceof ApiError && error.status < 500) setKey(crypto.randomUUID());
        },
      },
    );
  }

  return (
    <form onSubmit={submit} className="grid gap-4">
      <Field label="Your name for it (optional)" hint="Shown in lists, such as “Stripe, Europe”.">
        <Input name="name" dir="auto" maxLength={100} placeholder={kind.title} />
      </Field>
      <KindFields fields={kind.credentials} prefix="credentials" secret errors={problem?.fields ?? {}} />
      {kind.settings.length > 0 && (
        <fieldset className="grid gap-4 border-t border-border pt-4">
          <legend className="sr-only">Settings</legend>
          <KindFields fields={kind.settings} prefix="settings" errors={problem?.fields ?? {}} />
        </fieldset>
      )}
      {problem && (
        <p role="alert" className="rounded-lg bg-danger-soft px-3 py-2 text-[13px]" dir="auto">
          <Prose text={problem.text} />
        </p>
      )}
      {problem?.code === "gateway_test_failed" && (
        <Checkbox
          name="untested"
          label="Save it untested"
          hint="Payments at this gateway fail until its credentials and its address are right."
        />
      )}
      <p className="text-[13px] text-subtle">
        The gateway is asked before anything is saved. No money moves. Credentials are encrypted and never shown again.
      </p>
      <DialogActions>
        <Button onClick={onBack}>Back</Button>
        <Button look="primary" type="submit" busy={create.isPending}>
          Test and save
        </Button>
      </DialogActions>
    </form>
  );
}

/** What the gateway is used for, of what it takes. Saved together with its enabling: one change. */
function Methods({ gateway, tested, onSaved }: { gateway: Saved; tested: boolean; onSaved: (saved: Saved) => void }) {
  const queries = useQueryClient();
  const change = api.useMutation("patch", "/api/v1/gateways/{gateway_id}");
  const [noneChosen, setNoneChosen] = useState(false);

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const methods = readMethods(form, gateway);
    setNoneChosen(methods?.length === 0);
    if (methods?.length === 0) return;
    change.mutate(
      {
        params: { path: { gateway_id: gateway.id } },
        body: { ...(methods === undefined ? {} : { methods }), enabled: form.get("enabled") === "on" } as never,
      },
      {
        onSuccess: (saved) => {
          void queries.invalidateQueries();
          onSaved(saved);
        },
      },
    );
  }

  return (
    <form onSubmit={submit} className="grid gap-5">
      <p className="flex items-start gap-2 font-medium">
        {tested ? (
          <Check aria-hidden className="mt-0.5 size-5 shrink-0 text-success" />
        ) : (
          <AlertTriangle aria-hidden className="mt-0.5 size-5 shrink-0 text-warning" />
        )}
        <span>
          <span dir="auto">{gateway.name}</span>
          {tested ? " takes these credentials" : " is saved, and was not tested"}
        </span>
      </p>
      <MethodBoxes gateway={gateway} error={noneChosen ? NONE_CHOSEN : undefined} />
      <div className="border-t border-border pt-4">
        <p className="mb-3 text-[13px] font-medium">What else it can do</p>
        <Abilities capabilities={gateway.capabilities} />
      </div>
      <div className="border-t border-border pt-4">
        <Checkbox
          name="enabled"
          label="Enable it now"
          hint="New payments may use it at once. Otherwise it stays disabled until you enable it."
          defaultChecked={tested}
        />
      </div>
      {change.error && (
        <p role="alert" dir="auto" className="rounded-lg bg-danger-soft px-3 py-2 text-[13px]">
          {messageOf(change.error)}
        </p>
      )}
      <DialogActions>
        <Button look="primary" type="submit" busy={change.isPending}>
          Save and go on
        </Button>
      </DialogActions>
    </form>
  );
}

function Done({ saved, onClose }: { saved: Saved; onClose: () => void }) {
  return (
    <div className="grid gap-4">
      <p className="flex items-center gap-2 font-medium">
        <Check aria-hidden className="size-5 text-success" />{" "}
        <span>
          <span dir="auto">{saved.name}</span> is connected{saved.enabled ? "" : ", and disabled"}
        </span>
      </p>
      <div className="text-[13px]">
        <p>
          Enter this address at the gateway, for its webhooks. Without it, payments are found out by polling, which is
          slower.
        </p>
        <div className="mt-2 rounded-lg bg-muted/60 p-3">
          <Copyable
            text={saved.webhook_url}
            what="webhook address"
            className="[&_code]:break-all [&_code]:whitespace-normal"
          />
        </div>
      </div>
      {saved.warnings.length > 0 && (
        <ul className="grid gap-1 rounded-lg bg-warning-soft px-3 py-2 text-[13px]">
          {saved.warnings.map((warning) => (
            <li key={warning}>{warning}</li>
          ))}
        </ul>
      )}
      <DialogActions>
        <Button look="primary" onClick={onClose}>
          Done
        </Button>
      </DialogActions>
    </div>
  );
}
