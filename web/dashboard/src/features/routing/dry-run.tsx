import { Play } from "lucide-react";
import { type FormEvent, useState } from "react";
import { api } from "@/api/client";
import { TrialResult } from "@/features/routing/trial";
import { Button } from "@/ui/button";
import { Card } from "@/ui/card";
import { Field, Input } from "@/ui/field";
import { Failure, SkeletonRows } from "@/ui/states";

const PAYMENTS = 1_000;
const PAYMENTS_MAX = 5_000;

/** Tries a version on past payments, beside the active rules. */
export function DryRun({ number, isActive }: { number: number; isActive: boolean }) {
  const dryRun = api.useMutation("post", "/api/v1/routing/versions/{number}/dry_run");
  const [payments, setPayments] = useState(String(PAYMENTS));
  function submit(event: FormEvent) {
    event.preventDefault();
    dryRun.mutate({ params: { path: { number } }, body: { payments: Number(payments) } });
  }
  return (
    <Card
      title="Dry run"
      hint={
        isActive
          ? "This version is on, so nothing would move."
          : "What it would have done with your last payments, beside what is on now. Nothing is sent and nothing changes."
      }
    >
      <form onSubmit={submit} className="flex flex-wrap items-end gap-3">
        <Field label="Last payments" className="w-36">
          <Input
            type="number"
            min={1}
            max={PAYMENTS_MAX}
            required
            value={payments}
            onChange={(event) => setPayments(event.target.value)}
          />
        </Field>
        <Button type="submit" busy={dryRun.isPending}>
          <Play aria-hidden /> Try it
        </Button>
      </form>
      <div aria-live="polite" className="mt-4 empty:hidden">
        {dryRun.isPending ? (
          <SkeletonRows rows={3} />
        ) : dryRun.error ? (
          <Failure error={dryRun.error} className="px-0 sm:px-0" />
        ) : (
          dryRun.data && <TrialResult trial={dryRun.data} />
        )}
      </div>
    </Card>
  );
}
