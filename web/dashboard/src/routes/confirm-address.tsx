import { createFileRoute, Link } from "@tanstack/react-router";
import { useState } from "react";
import { raw } from "@/api/raw";
import { tokenSearch } from "@/lib/token-search";
import { FormError, Outside } from "@/shell/outside";
import { Button } from "@/ui/button";
import { useForm } from "@/ui/use-form";

export const Route = createFileRoute("/confirm-address")({ validateSearch: tokenSearch, component: ConfirmAddress });

function ConfirmAddress() {
  const { token } = Route.useSearch();
  const [done, setDone] = useState(false);
  const { error, busy, submit } = useForm(
    () => raw("POST", "/auth/email/confirm", { token }),
    () => setDone(true),
  );
  return (
    <Outside
      title={done ? "The address is changed" : "Confirm your new address"}
      hint={done ? "From now on you log in with it." : "Press the button to use this address from now on."}
    >
      {done ? (
        <Button look="primary" asChild className="w-full">
          <Link to="/">Go to the dashboard</Link>
        </Button>
      ) : (
        <form onSubmit={submit} className="grid gap-4">
          <FormError error={error} />
          <Button look="primary" type="submit" busy={busy}>
            Confirm
          </Button>
        </form>
      )}
    </Outside>
  );
}
