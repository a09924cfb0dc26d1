import { useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useRef, useState } from "react";
import { ApiError, messageOf } from "@/api/errors";
import { raw } from "@/api/raw";
import { actFor } from "@/features/operator/as-merchant";
import { Known } from "@/features/operator/known";
import type { Awaiting } from "@/features/operator/reviews";
import { money, toMinor } from "@/lib/money";
import { toast } from "@/lib/toast";
import { Button } from "@/ui/button";
import { Dialog, DialogActions } from "@/ui/dialog";
import { Field, Input, TextArea } from "@/ui/field";

type Outcome = { value: string; label: string; hint: string; moves?: boolean };

const OF_PAYMENT: Outcome[] = [
  {
    value: "success",
    label: "The money was taken",
    hint: "It is booked, and the merchant gets the event.",
    moves: true,
  },
  { value: "authorized", label: "It is authorised", hint: "Nothing was taken. The merchant can capture it." },
  { value: "failed", label: "It was declined", hint: "Or the gateway does not know it. No money moved." },
  { value: "cancelled", label: "It was voided or reversed", hint: "By hand, at the gateway." },
];
const OF_REFUND: Outcome[] = [
  {
    value: "processed",
    label: "The refund was paid out",
    hint: "It is booked, and the merchant gets the event.",
    moves: true,
  },
  { value: "failed", label: "The refund was not made", hint: "The amount can be refunded again." },
];

/** The decision on what waits for one: what is known, and what somebody found at the gateway. */
export function DecisionDialog({ awaiting, onClose }: { awaiting: Awaiting; onClose: () => void }) {
  return (
    <Dialog
      open
      wide
      onOpenChange={(open) => !open && onClose()}
      title={
        <span dir="auto">
          {awaiting.merchant_name} ({awaiting.mode})
        </span>
      }
      description="Look it up at the gateway first, then say here what happened there. Clearway sends nothing to the gateway."
    >
      <Known awaiting={awaiting} />
      {awaiting.kind === "review" ? (
        <ClosingForm awaiting={awaiting} onClose={onClose} />
      ) : (
        <DecisionForm awaiting={awaiting} onClose={onClose} />
      )}
    </Dialog>
  );
}

function useSubmit(onClose: () => void) {
  const queries = useQueryClient();
  const [error, setError] = useState<{ text: string; fields: Record<string, string> } | null>(null);
  const [busy, setBusy] = useState(false);
  async function submit(act: () => Promise<unknown>) {
    setBusy(true);
    setError(null);
    try {
      await act();
      toast.success("The decision is recorded");
      await queries.invalidateQueries();
      onClose();
    } catch (problem) {
      setError({ text: messageOf(problem), fields: problem instanceof ApiError ? problem.fields : {} });
    } finally {
      setBusy(false);
    }
  }
  return { error, setError, busy, submit };
}

function DecisionForm({ awaiting, onClose }: { awaiting: Awaiting; onClose: () => void }) {
  const outcomes = awaiting.kind === "refund" ? OF_REFUND : OF_PAYMENT;
  const { error, setError, busy, submit } = useSubmit(onClose);
  const [outcome, setOutcome] = useState<Outcome | null>(null);
  const key = useRef(crypto.randomUUID());
  const currency = awaiting.currency ?? "";

  function decide(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const text = (name: string) => String(form.get(name) ?? "").trim();
    const amount = text("amount") ? toMinor(text("amount"), currency) : undefined;
    if (amount === null) {
      setError({ text: `This is no amount in ${currency}.`, fields: { amount: `This is no amount in ${currency}.` } });
      return;
    }
    const body = {
      outcome: outcome?.value,
      reason: text("reason"),
      ...(amount === undefined ? {} : { amount }),
      ...(text("reference") ? { gateway_reference: text("reference") } : {}),
    };
    const path = `/${awaiting.kind === "refund" ? "refunds" : "payments"}/${awaiting.subject_id}/resolve`;
    void submit(() => actFor(awaiting.merchant_id, path, body, key.current)).finally(() => {
      key.current = crypto.randomUUID();
    });
  }

  return (
    <form onSubmit={decide} className="mt-5 grid gap-4 border-t border-border pt-4">
      <fieldset className="grid gap-2">
        <legend className="mb-2 font-medium">What happened at the gateway?</legend>
        {outcomes.map((each) => (
          <label key={each.value} className="flex items-start gap-2.5 text-[13px]">
            <input
              type="radio"
              name="outcome"
              required
              value={each.value}
              checked={outcome?.value === each.value}
              onChange={() => setOutcome(each)}
              className="mt-0.5 size-4 shrink-0 accent-primary"
            />
            <span>
              <span className="font-medium">{each.label}</span>
              <span className="block text-subtle">{each.hint}</span>
            </span>
          </label>
        ))}
      </fieldset>
      {outcome?.moves && (
        <Field
          label={`Amount that moved, in ${currency}`}
          hint={`Empty: ${awaiting.amount === null ? "what was asked for" : money(awaiting.amount, currency)}. Needed when the gateway reported another amount.`}
          error={error?.fields.amount}
          className="sm:max-w-80"
        >
          <Input name="amount" inputMode="decimal" autoComplete="off" />
        </Field>
      )}
      <Field
        label="What you found"
        hint="It stays in the history, which the merchant can read."
        error={error?.fields.reason}
      >
        <TextArea name="reason" dir="auto" required maxLength={1_000} rows={2} />
      </Field>
      <Field label="The gateway's id (optional)" error={error?.fields.gateway_reference} className="sm:max-w-80">
        <Input name="reference" dir="ltr" autoComplete="off" />
      </Field>
      <Footer error={error?.text} busy={busy} onClose={onClose} button="Record the decision" />
    </form>
  );
}

function ClosingForm({ awaiting, onClose }: { awaiting: Awaiting; onClose: () => void }) {
  const { error, busy, submit } = useSubmit(onClose);
  function close(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const resolution = String(new FormData(event.currentTarget).get("resolution") ?? "").trim();
    void submit(() => raw("POST", `/operator/reviews/${awaiting.id}/close`, { resolution }));
  }
  return (
    <form onSubmit={close} className="mt-5 grid gap-4 border-t border-border pt-4">
      <Field
        label="What you found, and what was done about it"
        hint="Closing changes no payment and no refund: correct the money at the gateway, or by a refund."
        error={error?.fields.resolution}
      >
        <TextArea name="resolution" dir="auto" required maxLength={1_000} rows={3} />
      </Field>
      <Footer error={error?.text} busy={busy} onClose={onClose} button="Close the review" />
    </form>
  );
}

function Footer({
  error,
  busy,
  onClose,
  button,
}: {
  error: string | undefined;
  busy: boolean;
  onClose: () => void;
  button: string;
}) {
  return (
    <>
      {error && (
        <p role="alert" dir="auto" className="rounded-lg bg-danger-soft px-3 py-2 text-[13px]">
          {error}
        </p>
      )}
      <DialogActions>
        <Button onClick={onClose}>Cancel</Button>
        <Button look="primary" type="submit" busy={busy}>
          {button}
        </Button>
      </DialogActions>
    </>
  );
}
