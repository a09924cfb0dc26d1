import { useState } from "react";
import { messageOf } from "@/api/errors";
import { raw } from "@/api/raw";
import { Button } from "@/ui/button";
import { Dialog, DialogActions } from "@/ui/dialog";
import { Field, Input } from "@/ui/field";

/** Takes the password, or a code where the person has an authenticator app. */
export default function StepUpDialog({ totp, onClose }: { totp: boolean; onClose: (proved: boolean) => void }) {
  const [by, setBy] = useState<"password" | "code">(totp ? "code" : "password");
  const [secret, setSecret] = useState("");
  const [error, setError] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);

  async function prove() {
    setBusy(true);
    setError(null);
    try {
      await raw("POST", "/users/me/step_up", by === "password" ? { password: secret } : { code: secret });
      onClose(true);
    } catch (problem) {
      setError(messageOf(problem));
      setBusy(false);
    }
  }

  function change() {
    setBy(by === "password" ? "code" : "password");
    setSecret("");
    setError(null);
  }

  return (
    <Dialog
      open
      onOpenChange={(next) => !next && onClose(false)}
      title="Confirm that it is you"
      description="Money, keys and members need it. For the next five minutes you are not asked again."
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void prove();
        }}
      >
        <Field label={by === "password" ? "Your password" : "Code from your authenticator app"} error={error}>
          <Input
            key={by}
            autoFocus
            required
            type={by === "password" ? "password" : "text"}
            inputMode={by === "password" ? "text" : "numeric"}
            autoComplete={by === "password" ? "current-password" : "one-time-code"}
            value={secret}
            onChange={(event) => setSecret(event.target.value)}
          />
        </Field>
        {totp && (
          <Button look="link" size="inline" className="mt-2 text-[13px]" onClick={change}>
            {by === "password" ? "Use a code instead" : "Use the password instead"}
          </Button>
        )}
        <DialogActions>
          <Button onClick={() => onClose(false)}>Cancel</Button>
          <Button look="primary" type="submit" busy={busy}>
            Confirm
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}
