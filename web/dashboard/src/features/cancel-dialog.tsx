import { type FormEvent, useState } from "react";
import { Button } from "@/ui/button";
import { Dialog, DialogActions } from "@/ui/dialog";
import { Field, Input } from "@/ui/field";

/** Asks for a reason before something is cancelled. error: why it was not. */
export function CancelDialog({
  what,
  description,
  busy,
  error,
  onCancel,
  onClose,
}: {
  what: "order" | "payment";
  description: string;
  busy: boolean;
  error: string | null;
  /** key: the same for each try of this dialog. body: with the reason, if one was given. */
  onCancel: (key: string, body: { body?: { reason: string } }) => void;
  onClose: () => void;
}) {
  const [key] = useState(() => crypto.randomUUID());
  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const reason = String(new FormData(event.currentTarget).get("reason") ?? "").trim();
    onCancel(key, reason ? { body: { reason } } : {});
  }
  return (
    <Dialog open onOpenChange={(open) => !open && onClose()} title={`Cancel this ${what}?`} description={description}>
      <form className="grid gap-4" onSubmit={submit}>
        <Field label="Reason (optional)" error={error} hint="Kept in the history for good. Write nothing personal.">
          <Input name="reason" maxLength={255} dir="auto" autoFocus />
        </Field>
        <DialogActions>
          <Button onClick={onClose}>Keep it</Button>
          <Button look="danger" type="submit" busy={busy}>
            Cancel the {what}
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}
