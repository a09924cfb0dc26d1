import { useQuery, useQueryClient } from "@tanstack/react-query";
import { createFileRoute, Link, useNavigate } from "@tanstack/react-router";
import { messageOf } from "@/api/errors";
import { raw } from "@/api/raw";
import { fullTime } from "@/lib/time";
import { tokenSearch } from "@/lib/token-search";
import { named } from "@/lib/words";
import { mayBeSignedIn, meQuery } from "@/session";
import { FormError, Outside } from "@/shell/outside";
import { Button } from "@/ui/button";
import { Field, Input } from "@/ui/field";
import { NewPassword } from "@/ui/new-password";
import { useForm } from "@/ui/use-form";

export const Route = createFileRoute("/invitation")({ validateSearch: tokenSearch, component: InvitationPage });

function InvitationPage() {
  const { token } = Route.useSearch();
  const preview = useQuery({
    queryKey: ["invitation", token],
    queryFn: () => raw("POST", "/invitations/preview", { token }),
    retry: false,
  });
  const me = useQuery({ ...meQuery, enabled: preview.data?.has_user === true && mayBeSignedIn() });
  if (preview.error) {
    return <Outside title="This invitation cannot be used" hint={`${messageOf(preview.error)} Ask for a new one.`} />;
  }
  if (!preview.data) return <Outside title="Invitation" hint="Looking at the invitation…" />;
  const { account_name: account, role, email, has_user: hasUser, expires_at: expires } = preview.data;
  const hint = `${email} is invited to ${account} as ${named(role).toLowerCase()}. Valid until ${fullTime(expires)}.`;
  if (!hasUser) return <Newcomer token={token} hint={hint} account={account} email={email} />;
  if (me.data?.email === email) return <Accept token={token} hint={hint} account={account} />;
  return (
    <Outside title={`Join ${account}`} hint={hint}>
      <Button look="primary" asChild className="w-full">
        <Link to="/login" search={{ next: `/invitation?token=${encodeURIComponent(token)}` }}>
          Log in as {email}
        </Link>
      </Button>
    </Outside>
  );
}

function Accept({ token, hint, account }: { token: string; hint: string; account: string }) {
  const enter = useEnter();
  const { error, busy, submit } = useForm(() => raw("POST", "/invitations/accept", { token }), enter);
  return (
    <Outside title={`Join ${account}`} hint={hint}>
      <form onSubmit={submit} className="grid gap-4">
        <FormError error={error} />
        <Button look="primary" type="submit" busy={busy}>
          Join
        </Button>
      </form>
    </Outside>
  );
}

function Newcomer({ token, hint, account, email }: { token: string; hint: string; account: string; email: string }) {
  const enter = useEnter();
  const { error, busy, submit } = useForm(async (form) => {
    await raw("POST", "/invitations/accept_new", { token, name: form.name, password: form.password });
    await raw("POST", "/auth/login", { email, password: form.password });
  }, enter);
  return (
    <Outside title={`Join ${account}`} hint={hint}>
      <form onSubmit={submit} className="grid gap-4">
        <Field label="Your name">
          <Input name="name" dir="auto" autoComplete="name" required maxLength={128} autoFocus />
        </Field>
        <NewPassword label="Choose a password" />
        <FormError error={error} />
        <Button look="primary" type="submit" busy={busy}>
          Join
        </Button>
      </form>
    </Outside>
  );
}

function useEnter() {
  const queries = useQueryClient();
  const navigate = useNavigate();
  return () => {
    queries.clear();
    void navigate({ to: "/", replace: true });
  };
}
