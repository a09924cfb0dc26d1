import { createFileRoute, Link } from "@tanstack/react-router";
import { useState } from "react";
import { raw } from "@/api/raw";
import { FormError, Outside } from "@/shell/outside";
import { Button } from "@/ui/button";
import { Field, Input } from "@/ui/field";
import { useForm } from "@/ui/use-form";

export const Route = createFileRoute("/forgot")({ component: Forgot });

function Forgot() {
  const [sentTo, setSentTo] = useState<string | null>(null);
  const { error, busy, submit } = useForm(async (form) => {
    await raw("POST", "/auth/password/forgotten", { email: form.email });
    return form.email ?? "";
  }, setSentTo);
  const back = (
    <Link to="/login" className="text-primary underline underline-offset-4">
      Back to the log-in
    </Link>
  );
  if (sentTo !== null) {
    return (
      <Outside
        title="Look into your inbox"
        hint={`If somebody is registered with ${sentTo}, a link to choose a new password is on its way.`}
        below={back}
      />
    );
  }
  return (
    <Outside title="Forgotten your password?" hint="You get a link that lets you choose a new one." below={back}>
      <form onSubmit={submit} className="grid gap-4">
        <Field label="E-mail address">
          <Input name="email" type="email" autoComplete="username" required autoFocus />
        </Field>
        <FormError error={error} />
        <Button look="primary" type="submit" busy={busy}>
          Send me the link
        </Button>
      </form>
    </Outside>
  );
}
