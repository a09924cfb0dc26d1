import { useState } from "react";
import { Button } from "@/ui/button";
import { Copyable } from "@/ui/copy";
import { Dialog, DialogActions } from "@/ui/dialog";
import { Checkbox } from "@/ui/field";

/** Shows a secret once. It is closed only by the person who says that it is stored. */
export function SecretDialog({
  title,
  secret,
  what = "signing secret",
  keyId,
  hint = "If it is lost, rotate it: the old one goes on signing for a while.",
  onClose,
}: {
  title: string;
  secret: string;
  what?: string;
  /** Of an API key: the public half, which a program needs beside the secret. */
  keyId?: string;
  hint?: string;
  onClose: () => void;
}) {
  const [stored, setStored] = useState(false);
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && stored && onClose()}
      title={title}
      description="This is the only time that the secret is shown. Store it where your server reads it."
    >
      {keyId && (
        <div className="mb-2 rounded-lg bg-muted/60 p-3">
          <Copyable text={keyId} what="key id" className="[&_code]:whitespace-normal [&_code]:break-all" />
        </div>
      )}
      <div className="rounded-lg bg-muted/60 p-3">
        <Copyable text={secret} what={what} className="[&_code]:whitespace-normal [&_code]:break-all" />
      </div>
      <div className="mt-4">
        <Checkbox
          label="I have stored the secret"
          hint={hint}
          checked={stored}
          onChange={(event) => setStored(event.target.checked)}
        />
      </div>
      <DialogActions>
        <Button look="primary" disabled={!stored} onClick={onClose}>
          Done
        </Button>
      </DialogActions>
    </Dialog>
  );
}
