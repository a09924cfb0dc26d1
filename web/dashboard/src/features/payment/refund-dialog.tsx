import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "@/api/client";
import { ApiError, messageOf, NoAnswerError } from "@/api/errors";
import type { Payment } from "@/features/payment/status";
import { money, toDecimal, toMinor } from "@/lib/money";
import { toast } from "@/lib/toast";
import { Button } from "@/ui/button";
import { Dialog, DialogActions } from "@/ui/dialog";
import { Field, Input } from "@/ui/field";

/** Returns money of a payment, all that is left or a part. Pressed twice or repeated after a lost answer, it pays once. */
export function RefundDialog({ payment, left, onClose }: { payment: Payment; left: number; onClose: () => void }) {
  const queries = useQueryClient();
  const [amount, setAmount] = useState(toDecimal(left, payment.currency));
  const [error, setError] = useState<string | null>(null);
  const [key, setKey] = useState(() => crypto.randomUUID());
  const refund = api.useMutation("post", "/api/v1/payments/{payment_id}/refunds");
  const minor = toMinor(amount, payment.currency);
  const wrong =
    minor === null
      ? `This is no amount in ${payment.currency}.`
      : minor <= 0
        ? "Enter more than zero."
        : minor > left
          ? `At most ${money(left, payment.currency)} can be refunded.`
          : null;

  function submit(reason: string) {
    if (wrong || minor === null) {
      setError(wrong);
      return;
    }
    setError(null);
    refund.mutate(
      {
        params: { path: { payment_id: payment.id }, header: { "Idempotency-Key": key } },
        body: { amount: minor, ...(reason ? { reason } : {}) },
      },
      {
        onSuccess: (made) => {
          toast.success(
            `${money(made.amount, made.currency)} is on its way back`,
            "The refund is recorded. Its status shows when it is paid out.",
          );
          void queries.invalidateQueries();
          onClose();
        },
        onError: (problem: unknown) => {
          setError(messageOf(problem));
          // A refusal is final for its key; only where nothing is known the same key is sent again.
          if (problem instanceof ApiError && problem.status < 500) setKey(crypto.randomUUID());
          if (!(problem instanceof NoAnswerError)) void queries.invalidateQueries();
        },
      },
    );
  }

  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title="Refund"
      description={`${money(left, payment.currency)} can be refunded. The money goes back the way it came; that can take some days.`}
    >
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          submit(String(new FormData(event.currentTarget).get("reason") ?? "").trim());
        }}
        className="grid gap-4"
      >
        <Field label={`Amount in ${payment.currency}`} error={error}>
          <Input
            name="amount"
            inputMode="decimal"
            autoFocus
            autoComplete="off"
            className="numeric"
            value={amount}
            onChange={(event) => {
              setAmount(event.target.value);
              setError(null);
            }}
          />
        </Field>
        <Field label="Reason (optional)" hint="Kept in the history for good. Write nothing personal.">
          <Input name="reason" maxLength={255} dir="auto" autoComplete="off" />
        </Field>
        <DialogActions>
          <Button onClick={onClose}>Cancel</Button>
          <Button look="primary" type="submit" busy={refund.isPending}>
            {minor !== null && !wrong ? `Refund ${money(minor, payment.currency)}` : "Refund"}
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}
