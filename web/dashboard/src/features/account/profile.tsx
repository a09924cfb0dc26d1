import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { messageOf } from "@/api/errors";
import { raw } from "@/api/raw";
import { toast } from "@/lib/toast";
import { named } from "@/lib/words";
import { type Membership, useSession } from "@/session";
import { FormError } from "@/shell/outside";
import { Badge } from "@/ui/badge";
import { Button } from "@/ui/button";
import { Card } from "@/ui/card";
import { Dialog, DialogActions } from "@/ui/dialog";
import { Field, Input } from "@/ui/field";
import { useForm } from "@/ui/use-form";

export function Profile() {
  const { me } = useSession();
  const queries = useQueryClient();
  const { error, busy, submit } = useForm(
    (form) => raw("PATCH", "/users/me", { name: form.name }),
    () => {
      toast.success("Saved");
      void queries.invalidateQueries({ queryKey: ["me"] });
    },
  );
  return (
    <Card title="Profile">
      <form onSubmit={submit} className="grid max-w-md gap-4">
        <Field label="Your name" hint="Your colleagues see it.">
          <Input name="name" dir="auto" defaultValue={me.name} required maxLength={128} autoComplete="name" />
        </Field>
        <FormError error={error} />
        <Button type="submit" busy={busy} className="justify-self-start">
          Save
        </Button>
      </form>
    </Card>
  );
}

export function Address() {
  const { me } = useSession();
  const { error, busy, submit } = useForm(
    async (form) => {
      await raw("POST", "/users/me/email", { email: form.email });
      return form.email;
    },
    (email) =>
      toast.success("Look into your inbox", `A link is on its way to ${email}. The address changes when you open it.`),
  );
  return (
    <Card title="E-mail address" hint={`You log in with ${me.email}.`}>
      <form onSubmit={submit} className="grid max-w-md gap-4">
        <Field label="New address">
          <Input name="email" type="email" required autoComplete="email" />
        </Field>
        <FormError error={error} />
        <Button type="submit" busy={busy} className="justify-self-start">
          Send a link
        </Button>
      </form>
    </Card>
  );
}

export function Memberships() {
  const { me } = useSession();
  const [leaving, setLeaving] = useState<Membership | null>(null);
  return (
    <Card title="Businesses">
      {me.memberships.length === 0 ? (
        <p className="text-[13px] text-subtle">You belong to no business.</p>
      ) : (
        <ul className="divide-y divide-border">
          {me.memberships.map((membership) => (
            <li
              key={membership.account_id}
              className="flex flex-wrap items-center justify-between gap-3 py-3 first:pt-0 last:pb-0"
            >
              <span className="flex min-w-0 flex-wrap items-center gap-2">
                <span dir="auto" className="min-w-0 break-words">
                  {membership.account_name}
                </span>
                <Badge>{named(membership.role)}</Badge>
              </span>
              <Button size="sm" onClick={() => setLeaving(membership)}>
                Leave
              </Button>
            </li>
          ))}
        </ul>
      )}
      {leaving && <LeaveDialog membership={leaving} onClose={() => setLeaving(null)} />}
    </Card>
  );
}

function LeaveDialog({ membership, onClose }: { membership: Membership; onClose: () => void }) {
  const leave = useMutation({
    mutationFn: () => raw("DELETE", `/users/me/memberships/${membership.account_id}`),
    onSuccess: () => window.location.assign("/"),
  });
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title="Leave this business?"
      description={`You no longer see ${membership.account_name}. To come back you need an invitation.`}
    >
      <FormError error={leave.error ? messageOf(leave.error) : null} />
      <DialogActions>
        <Button onClick={onClose}>Stay</Button>
        <Button look="danger" busy={leave.isPending} onClick={() => leave.mutate()}>
          Leave
        </Button>
      </DialogActions>
    </Dialog>
  );
}

export function DeleteUser() {
  const [asked, setAsked] = useState(false);
  const remove = useMutation({
    mutationFn: () => raw("DELETE", "/users/me"),
    onSuccess: () => window.location.assign("/login"),
  });
  return (
    <Card
      title="Delete your account"
      hint="Your name and address are removed. What you did stays in the audit log, without your name."
    >
      <Button look="danger" onClick={() => setAsked(true)}>
        Delete my account
      </Button>
      <Dialog open={asked} onOpenChange={setAsked} title="Delete your account?" description="This cannot be undone.">
        <FormError error={remove.error ? messageOf(remove.error) : null} />
        <DialogActions>
          <Button onClick={() => setAsked(false)}>Keep it</Button>
          <Button look="danger" busy={remove.isPending} onClick={() => remove.mutate()}>
            Delete it
          </Button>
        </DialogActions>
      </Dialog>
    </Card>
  );
}
