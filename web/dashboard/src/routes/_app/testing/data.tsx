import { useQueryClient } from "@tanstack/react-query";
import { createFileRoute, Link } from "@tanstack/react-router";
import { type FormEvent, useRef, useState } from "react";
import { messageOf } from "@/api/errors";
import { raw } from "@/api/raw";
import { NotAllowed, TestingPage } from "@/features/testing/frame";
import { count } from "@/lib/money";
import { useSession } from "@/session";
import { FormError } from "@/shell/outside";
import { Button } from "@/ui/button";
import { Card } from "@/ui/card";
import { Field, Input } from "@/ui/field";

export const Route = createFileRoute("/_app/testing/data")({ component: TestData });

const A_REQUEST = 50;
const MOST = 1_000;
const OUTCOMES = [
  ["success", "Succeeded", 78],
  ["failed", "Failed", 14],
  ["expired", "Expired", 3],
  ["refunded", "Refunded", 5],
] as const;

function TestData() {
  const { can } = useSession();
  return (
    <TestingPage
      simulated
      tab="Test data"
      hint="Fill lists, figures and exports with payments of the past, to see how they look with many rows."
    >
      {can("testing:write") ? <Generate /> : <NotAllowed what="make test data" />}
      <Card title="What such payments are">
        <ul className="grid max-w-prose list-disc gap-1.5 pl-5">
          <li>Each has its order, attempt, capture, ledger entries and events, and counts in all figures.</li>
          <li>No gateway was called and no webhook is sent for them. They cannot be refunded, and they stay.</li>
          <li>
            For a payment that goes the whole way, make a{" "}
            <Link to="/testing" className="text-primary underline underline-offset-2">
              test payment
            </Link>
            .
          </li>
        </ul>
      </Card>
      <Card title="Time travel">
        <p className="max-w-prose">
          Time travel is not possible: workflows wait in real time, and nothing can move the clock of an installation.
          To see an expiry or a late retry, use short waits, such as the schedule of an endpoint.
        </p>
      </Card>
    </TestingPage>
  );
}

type Progress = { done: number; of: number };

function Generate() {
  const queries = useQueryClient();
  const [progress, setProgress] = useState<Progress | null>(null);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const stopped = useRef(false);

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const of = Number(form.get("payments"));
    const mix = Object.fromEntries(OUTCOMES.map(([name]) => [name, Number(form.get(name))]));
    const days = Number(form.get("days"));
    stopped.current = false;
    setBusy(true);
    setError(null);
    let done = 0;
    setProgress({ done, of });
    try {
      while (done < of && !stopped.current) {
        const payments = Math.min(A_REQUEST, of - done);
        const made = await raw("POST", "/test/data", { payments, days, currency: "INR", mix });
        done += made.payments;
        setProgress({ done, of });
      }
    } catch (problem) {
      setError(messageOf(problem));
    } finally {
      setBusy(false);
      void queries.invalidateQueries();
    }
  }

  return (
    <Card title="Make payments">
      <form onSubmit={submit} className="grid grid-cols-[minmax(0,1fr)] gap-4">
        <fieldset disabled={busy} className="grid grid-cols-[minmax(0,1fr)] gap-4">
          <legend className="sr-only">What to make</legend>
          <div className="grid gap-4 sm:grid-cols-2">
            <Field label="How many" hint={`Up to ${count(MOST)} at a time.`}>
              <Input name="payments" type="number" min={1} max={MOST} defaultValue={200} required />
            </Field>
            <Field label="Over how many days" hint="Before now, up to 90.">
              <Input name="days" type="number" min={1} max={90} defaultValue={14} required />
            </Field>
          </div>
          <fieldset className="grid gap-4">
            <legend className="mb-1.5 text-[13px] font-medium">Mix, in proportion</legend>
            <div className="grid grid-cols-2 gap-4 sm:grid-cols-4">
              {OUTCOMES.map(([name, label, weight]) => (
                <Field key={name} label={label}>
                  <Input name={name} type="number" min={0} max={100} defaultValue={weight} required />
                </Field>
              ))}
            </div>
          </fieldset>
        </fieldset>
        {progress && (
          <div className="grid gap-1.5" aria-live="polite">
            <progress
              aria-label="Payments made"
              value={progress.done}
              max={progress.of}
              className="h-2 w-full overflow-hidden rounded-full accent-primary"
            />
            <p className="text-[13px] text-subtle">
              {count(progress.done)} of {count(progress.of)} payments are made.{" "}
              {!busy && progress.done > 0 && (
                <Link to="/payments" className="text-primary underline underline-offset-2">
                  See them
                </Link>
              )}
            </p>
          </div>
        )}
        <FormError error={error} />
        <div className="flex flex-wrap gap-2">
          <Button look="primary" type="submit" busy={busy}>
            Make payments
          </Button>
          {busy && (
            <Button
              onClick={() => {
                stopped.current = true;
              }}
            >
              Stop
            </Button>
          )}
        </div>
      </form>
    </Card>
  );
}
