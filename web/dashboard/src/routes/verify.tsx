import { useQueryClient } from "@tanstack/react-query";
import { createFileRoute, Link, useNavigate } from "@tanstack/react-router";
import { raw } from "@/api/raw";
import { tokenSearch } from "@/lib/token-search";
import { meQuery } from "@/session";
import { FormError, Outside } from "@/shell/outside";
import { Button } from "@/ui/button";
import { NewPassword } from "@/ui/new-password";
import { useForm } from "@/ui/use-form";

export const Route = createFileRoute("/verify")({ validateSearch: tokenSearch, component: Verify });

function Verify() {
  const { token } = Route.useSearch();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const { error, busy, submit } = useForm(
    (form) => raw("POST", "/auth/verify", { token, password: form.password }),
    ({ me }) => {
      queries.clear();
      queries.setQueryData(meQuery.queryKey, me);
      void navigate({ to: "/", replace: true });
    },
  );
  return (
    <Outside
      title="Choose a password"
      hint="Your e-mail address is confirmed with this step."
      below={
        <Link to="/register" className="text-primary underline underline-offset-4">
          The link is too old? Register again
        </Link>
      }
    >
      <form onSubmit={submit} className="grid gap-4">
        <NewPassword label="Password" />
        <FormError error={error} />
        <Button look="primary" type="submit" busy={busy}>
          Open the dashboard
        </Button>
      </form>
    </Outside>
  );
}
