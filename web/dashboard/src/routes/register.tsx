import { useQuery } from "@tanstack/react-query";
import { createFileRoute, Link } from "@tanstack/react-router";
import { useState } from "react";
import { raw } from "@/api/raw";
import { FormError, Outside } from "@/shell/outside";
import { signInSettings } from "@/shell/sign-in-settings";
import { Button } from "@/ui/button";
import { Field, Input } from "@/ui/field";
import { useForm } from "@/ui/use-form";

export const Route = createFileRoute("/register")({ component: Register });

const BACK = (
  <Link to="/login" className="text-primary underline underline-offset-4">
    Back to the log-in
  </Link>
);

function Register() {
  const settings = useQuery(signInSettings);
  const [sentTo, setSentTo] = useState<string | null>(null);
  const { error, busy, submit } = useForm(async (form) => {
    await raw("POST", "/auth/register", { email: form.email, name: form.name, account_name: form.account_name });
    return form.email ?? "";
  }, setSentTo);

  if (settings.data && settings.data.registration !== "open") {
    return (
      <Outside
        title="Registration is not open here"
        hint="Ask an owner or an administrator of your business to invite you. The link in the e-mail lets you in."
        below={BACK}
      />
    );
  }
  if (sentTo !== null) {
    return (
      <Outside
        title="Look into your inbox"
        hint={`A link is on its way to ${sentTo}. It lets you choose a password and opens your business. It may take a minute; look into the spam folder too.`}
        below={BACK}
      />
    );
  }
  return (
    <Outside
      title="Register your business"
      hint="You begin in test mode: no real money moves until you connect a gateway."
      below={BACK}
    >
      <form onSubmit={submit} className="grid gap-4">
        <Field label="Your name">
          <Input name="name" autoComplete="name" required maxLength={128} autoFocus dir="auto" />
        </Field>
        <Field label="Name of the business">
          <Input name="account_name" autoComplete="organization" required maxLength={128} dir="auto" />
        </Field>
        <Field label="E-mail address">
          <Input name="email" type="email" autoComplete="email" required />
        </Field>
        <FormError error={error} />
        <Button look="primary" type="submit" busy={busy}>
          Send me the link
        </Button>
      </form>
    </Outside>
  );
}
