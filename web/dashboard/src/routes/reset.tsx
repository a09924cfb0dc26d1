import { createFileRoute, Link } from "@tanstack/react-router";
import { useState } from "react";
import { raw } from "@/api/raw";
import { tokenSearch } from "@/lib/token-search";
import { FormError, Outside } from "@/shell/outside";
import { Button } from "@/ui/button";
import { NewPassword } from "@/ui/new-password";
import { useForm } from "@/ui/use-form";

export const Route = createFileRoute("/reset")({ validateSearch: tokenSearch, component: Reset });

function Reset() {
  const { token } = Route.useSearch();
  const [done, setDone] = useState(false);
  const { error, busy, submit } = useForm(
    (form) => raw("POST", "/auth/password/reset", { token, password: form.password }),
    () => setDone(true),
  );
  if (done) {
    return (
      <Outside title="The password is changed" hint="All devices are logged out. Log in with the new password.">
        <Button look="primary" asChild className="w-full">
          <Link to="/login">Log in</Link>
        </Button>
      </Outside>
    );
  }
  return (
    <Outside
      title="Choose a new password"
      below={
        <Link to="/forgot" className="text-primary underline underline-offset-4">
          The link is too old? Get another
        </Link>
      }
    >
      <form onSubmit={submit} className="grid gap-4">
        <NewPassword />
        <FormError error={error} />
        <Button look="primary" type="submit" busy={busy}>
          Change the password
        </Button>
      </form>
    </Outside>
  );
}
