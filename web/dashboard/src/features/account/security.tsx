import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { renderSVG } from "uqr";
import { messageOf } from "@/api/errors";
import { raw } from "@/api/raw";
import { toast } from "@/lib/toast";
import { useSession } from "@/session";
import { FormError } from "@/shell/outside";
import { Button } from "@/ui/button";
import { Card } from "@/ui/card";
import { Copyable, CopyButton } from "@/ui/copy";
import { Dialog, DialogActions } from "@/ui/dialog";
import { Field, Input } from "@/ui/field";
import { NewPassword } from "@/ui/new-password";
import { useForm } from "@/ui/use-form";

export function Password() {
  const { me } = useSession();
  const [round, setRound] = useState(0);
  const { error, busy, submit } = useForm(
    (form) => raw("POST", "/users/me/password", { password: form.password }),
    () => {
      toast.success("The password is changed", "All other sessions have ended.");
      setRound(round + 1);
    },
  );
  return (
    <Card title="Password" hint="Changing it ends all your other sessions.">
      <form key={round} onSubmit={submit} className="grid max-w-md gap-4">
        <NewPassword withTotp={me.totp_enabled} />
        <FormError error={error} />
        <Button type="submit" busy={busy} className="justify-self-start">
          Change the password
        </Button>
      </form>
    </Card>
  );
}

type Setup = { secret: string; uri: string };

export function SecondFactor() {
  const { me } = useSession();
  const queries = useQueryClient();
  const [setup, setSetup] = useState<Setup | null>(null);
  const [codes, setCodes] = useState<string[] | null>(null);
  const failed = (error: unknown) => toast.error("That did not work", messageOf(error));
  const refresh = () => queries.invalidateQueries({ queryKey: ["me"] });
  const begin = useMutation({
    mutationFn: () => raw("POST", "/users/me/totp"),
    onSuccess: setSetup,
    onError: failed,
  });
  const remove = useMutation({
    mutationFn: () => raw("DELETE", "/users/me/totp"),
    onSuccess: () => {
      toast.success("The second step is off");
      void refresh();
    },
    onError: failed,
  });
  const replace = useMutation({
    mutationFn: () => raw("POST", "/users/me/recovery_codes"),
    onSuccess: (answer) => {
      setCodes(answer.recovery_codes);
      void refresh();
    },
    onError: failed,
  });
  return (
    <Card
      title="Second step"
      hint="With a code of an authenticator app, a stolen password alone lets nobody in."
      action={
        me.totp_enabled ? (
          <>
            <Button size="sm" busy={replace.isPending} onClick={() => replace.mutate()}>
              New recovery codes
            </Button>
            <Button size="sm" look="danger" busy={remove.isPending} onClick={() => remove.mutate()}>
              Turn off
            </Button>
          </>
        ) : (
          <Button size="sm" look="primary" busy={begin.isPending} onClick={() => begin.mutate()}>
            Set up
          </Button>
        )
      }
    >
      <p>
        {me.totp_enabled ? "It is on." : "It is off."}
        {me.totp_enabled && ` Recovery codes left: ${me.recovery_codes_left}.`}
      </p>
      {setup && (
        <SetUpDialog
          setup={setup}
          onClose={() => setSetup(null)}
          onDone={(fresh) => {
            setSetup(null);
            setCodes(fresh);
            void refresh();
          }}
        />
      )}
      {codes && <CodesDialog codes={codes} onClose={() => setCodes(null)} />}
    </Card>
  );
}

function SetUpDialog({
  setup,
  onClose,
  onDone,
}: {
  setup: Setup;
  onClose: () => void;
  onDone: (codes: string[]) => void;
}) {
  const { error, busy, submit } = useForm(
    (form) => raw("POST", "/users/me/totp/confirm", { code: form.code }),
    (answer) => onDone(answer.recovery_codes),
  );
  const picture = `data:image/svg+xml;utf8,${encodeURIComponent(renderSVG(setup.uri, { border: 2 }))}`;
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title="Set up the second step"
      description="Scan the picture with an authenticator app, or enter the secret by hand. Then enter the code that the app shows."
    >
      <form onSubmit={submit} className="grid gap-4">
        <img src={picture} alt="QR code of the secret below" className="mx-auto size-48 rounded-lg bg-white p-2" />
        <Copyable text={setup.secret} what="secret" className="justify-self-center" />
        <Field label="Six-digit code" error={error}>
          <Input name="code" inputMode="numeric" autoComplete="one-time-code" required autoFocus />
        </Field>
        <DialogActions>
          <Button onClick={onClose}>Cancel</Button>
          <Button look="primary" type="submit" busy={busy}>
            Turn on
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}

function CodesDialog({ codes, onClose }: { codes: string[]; onClose: () => void }) {
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      wide
      title="Your recovery codes"
      description="Each lets you in once when your phone is lost. They are shown now and never again: keep them in a safe place."
    >
      <ul className="grid gap-x-6 gap-y-1 rounded-lg bg-muted/60 p-4 font-mono whitespace-nowrap sm:grid-cols-2">
        {codes.map((code) => (
          <li key={code}>{code}</li>
        ))}
      </ul>
      <DialogActions>
        <span className="flex items-center gap-1 text-[13px] text-subtle">
          Copy all <CopyButton text={codes.join("\n")} what="recovery codes" />
        </span>
        <Button look="primary" onClick={onClose}>
          I have kept them
        </Button>
      </DialogActions>
    </Dialog>
  );
}
