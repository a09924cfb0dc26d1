import { useQuery, useQueryClient } from "@tanstack/react-query";
import { createFileRoute, Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { raw } from "@/api/raw";
import type { components } from "@/api/schema";
import { one } from "@/lib/search";
import { type Me, meQuery } from "@/session";
import { safeNext } from "@/shell/leaving";
import { FormError, Outside } from "@/shell/outside";
import { signInSettings } from "@/shell/sign-in-settings";
import { Button } from "@/ui/button";
import { Field, Input } from "@/ui/field";
import { useForm } from "@/ui/use-form";

type FirstAnswer = components["schemas"]["SignedInAnswer"] | components["schemas"]["TotpRequired"];

export const Route = createFileRoute("/login")({
  validateSearch: (search: Record<string, unknown>): { next?: string } => {
    const next = one(search.next as string | string[] | undefined);
    return next ? { next } : {};
  },
  component: LogIn,
});

function LogIn() {
  const { next } = Route.useSearch();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const settings = useQuery(signInSettings);
  const [challenge, setChallenge] = useState<string | null>(null);

  function enter(me: Me) {
    queries.clear();
    queries.setQueryData(meQuery.queryKey, me);
    void navigate({ href: safeNext(next), replace: true } as never);
  }

  if (challenge !== null)
    return <SecondStep challenge={challenge} onSignedIn={enter} onAgain={() => setChallenge(null)} />;
  return (
    <FirstStep
      onAnswer={(answer) => (answer.status === "signed_in" ? enter(answer.me) : setChallenge(answer.challenge))}
      open={settings.data?.registration === "open"}
    />
  );
}

function FirstStep({ onAnswer, open }: { onAnswer: (answer: FirstAnswer) => void; open: boolean }) {
  const { error, busy, submit } = useForm(
    (form) => raw("POST", "/auth/login", { email: form.email, password: form.password }),
    onAnswer,
  );
  return (
    <Outside
      title="Log in"
      below={
        open ? (
          <>
            New here?{" "}
            <Link to="/register" className="text-primary underline underline-offset-4">
              Register your business
            </Link>
          </>
        ) : null
      }
    >
      <form onSubmit={submit} className="grid gap-4">
        <Field label="E-mail address">
          <Input name="email" type="email" autoComplete="username" required autoFocus dir="ltr" />
        </Field>
        <Field label="Password">
          <Input name="password" type="password" autoComplete="current-password" required />
        </Field>
        <FormError error={error} />
        <Button look="primary" type="submit" busy={busy}>
          Log in
        </Button>
        <Link to="/forgot" className="text-center text-[13px] text-primary underline underline-offset-4">
          Forgotten your password?
        </Link>
      </form>
    </Outside>
  );
}

function SecondStep({
  challenge,
  onSignedIn,
  onAgain,
}: {
  challenge: string;
  onSignedIn: (me: Me) => void;
  onAgain: () => void;
}) {
  const [recovery, setRecovery] = useState(false);
  const { error, busy, submit } = useForm(
    (form) =>
      raw("POST", "/auth/totp", recovery ? { challenge, recovery_code: form.code } : { challenge, code: form.code }),
    ({ me }) => onSignedIn(me),
  );
  return (
    <Outside
      title="Second step"
      hint={recovery ? "Each recovery code works once." : "Open your authenticator app and enter the code of Clearway."}
    >
      <form onSubmit={submit} className="grid gap-4">
        <Field label={recovery ? "Recovery code" : "Six-digit code"}>
          <Input
            key={String(recovery)}
            name="code"
            autoFocus
            required
            autoComplete={recovery ? "off" : "one-time-code"}
            inputMode={recovery ? "text" : "numeric"}
          />
        </Field>
        <FormError error={error} />
        <Button look="primary" type="submit" busy={busy}>
          Log in
        </Button>
        <div className="flex flex-wrap justify-between gap-2 text-[13px]">
          <Button look="link" size="inline" onClick={() => setRecovery(!recovery)}>
            {recovery ? "Use the app" : "Use a recovery code"}
          </Button>
          <Button look="link" size="inline" onClick={onAgain}>
            Start again
          </Button>
        </div>
      </form>
    </Outside>
  );
}
