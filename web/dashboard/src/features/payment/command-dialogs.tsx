import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "@/api/client";
import { messageOf } from "@/api/errors";
import { CancelDialog } from "@/features/cancel-dialog";
import type { Payment } from "@/features/payment/status";
import { money, toDecimal, toMinor } from "@/lib/money";
import { toast } from "@/lib/toast";
import { Button } from "@/ui/button";
import { Dialog, DialogActions } from "@/ui/dialog";
import { Checkbox, Field, Input } from "@/ui/field";

type Props = { payment: Payment; onClose: () => void };

/** Takes the authorised amount, or a part of it. */
export function CaptureDialog({ payment, onClose }: Props) {
  const queries = useQueryClient();
  const left = payment.amount - payment.amount_captured;
  const [amount, setAmount] = useState(toDecimal(left, payment.currency));
  const [final, setFinal] = useState(true);
  const [error, setError] = useState<string | null>(null);
  const [key] = useState(() => crypto.randomUUID());
  const capture = api.useMutation("post", "/api/v1/payments/{payment_id}/capture");

  function submit() {
    const minor = toMinor(amount, payment.currency);
    if (minor === null || minor <= 0 || minor > left) {
      setError(`Enter an amount up to ${money(left, payment.currency)}.`);
      return;
    }
    capture.mutate(
      {
        params: { path: { payment_id: payment.id }, header: { "Idempotency-Key": key } },
        body: { amount: minor, final },
      },
      {
        onSuccess: () => {
          toast.success(`${money(minor, payment.currency)} captured`);
          void queries.invalidateQueries();
          onClose();
        },
        onError: (problem: unknown) => {
          setError(messageOf(problem));
          void queries.invalidateQueries();
        },
      },
    );
  }
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title="Capture"
      description={`${money(left, payment.currency)} is authorised and not yet taken.`}
    >
      <form
        noValidate
        className="grid gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
      >
        <Field label={`Amount in ${payment.currency}`} error={error}>
          <Input
            inputMode="decimal"
            autoFocus
            className="numeric"
            value={amount}
            onChange={(event) => setAmount(event.target.value)}
          />
        </Field>
        <Checkbox
          label="This is the last capture"
          hint="What is left of the authorisation is released to the customer."
          checked={final}
          onChange={(event) => setFinal(event.target.checked)}
        />
        <DialogActions>
          <Button onClick={onClose}>Cancel</Button>
          <Button look="primary" type="submit" busy={capture.isPending}>
            Capture
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}

/** Calls a payment off at its gateway, and releases what is not captured. */
export function CancelPaymentDialog({ payment, onClose }: Props) {
  const queries = useQueryClient();
  const [error, setError] = useState<string | null>(null);
  const cancel = api.useMutation("post", "/api/v1/payments/{payment_id}/cancel");
  return (
    <CancelDialog
      what="payment"
      description="The payment is called off at the gateway. If the customer has paid in the meantime, it stays paid and you can refund it."
      busy={cancel.isPending}
      error={error}
      onClose={onClose}
      onCancel={(key, body) =>
        cancel.mutate(
          { params: { path: { payment_id: payment.id }, header: { "Idempotency-Key": key } }, ...body },
          {
            onSuccess: (after) => {
              if (after.status === "cancelled") toast.success("The payment is cancelled");
              else toast.message(`The payment is now: ${after.status}`);
              void queries.invalidateQueries();
              onClose();
            },
            onError: (problem: unknown) => {
              setError(messageOf(problem));
              void queries.invalidateQueries();
            },
          },
        )
      }
    />
  );
}
