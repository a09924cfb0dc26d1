import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { createFileRoute } from "@tanstack/react-router";
import { MailPlus, Users } from "lucide-react";
import { useState } from "react";
import { messageOf } from "@/api/errors";
import { raw } from "@/api/raw";
import type { components } from "@/api/schema";
import { PagedList } from "@/features/paged-list";
import { PAGE_SIZE, usePager } from "@/features/pager";
import { asSearch } from "@/lib/list-route";
import { one } from "@/lib/search";
import { ago, fullTime } from "@/lib/time";
import { toast } from "@/lib/toast";
import { named } from "@/lib/words";
import { Allowed, useSession } from "@/session";
import { FormError } from "@/shell/outside";
import { Badge, Status } from "@/ui/badge";
import { Button } from "@/ui/button";
import { Card } from "@/ui/card";
import { Dialog, DialogActions } from "@/ui/dialog";
import { Field, Input, Select } from "@/ui/field";
import { Page } from "@/ui/page";
import { Empty, SkeletonRows, Together } from "@/ui/states";
import { useForm } from "@/ui/use-form";

type Member = components["schemas"]["MemberResource"];
type Invitation = components["schemas"]["InvitationResource"];

const ROLES: [value: string, meaning: string][] = [
  ["owner", "Everything. Only an owner makes, changes or removes an owner."],
  ["admin", "Everything but the export of gateway credentials, and the owners."],
  ["developer", "Keys, webhooks, gateways, routing. Moves money in test mode only."],
  ["finance", "Refunds, captures, reviews, reconciliation, exports."],
  ["support", "Finds payments, refunds, sends webhooks again."],
  ["viewer", "Looks, and changes nothing."],
];

export const Route = createFileRoute("/_app/team")({ validateSearch: asSearch, component: Team });

/** The page of each list in the address: the two are turned apart. */
const CURSORS = { members: "cursor", invitations: "invitations" } as const;

type PageOf<Row> = { data: Row[]; has_more: boolean; next_cursor: string | null };

function useList<Row>(what: keyof typeof CURSORS) {
  const cursor = one(Route.useSearch()[CURSORS[what]]);
  const query = new URLSearchParams({ limit: String(PAGE_SIZE), ...(cursor ? { cursor } : {}) });
  return useQuery({
    queryKey: ["team", what, cursor ?? null],
    queryFn: () => raw<PageOf<Row>>("GET", `/${what}?${query}`),
    placeholderData: keepPreviousData,
  });
}

const useMembers = () => useList<Member>("members");
const useInvitations = () => useList<Invitation>("invitations");

function useTurning(what: keyof typeof CURSORS) {
  return usePager(Route.useSearch(), CURSORS[what]);
}

function useTeam() {
  const queries = useQueryClient();
  return () => {
    void queries.invalidateQueries({ queryKey: ["team"] });
    void queries.invalidateQueries({ queryKey: ["members"] });
    void queries.invalidateQueries({ queryKey: ["me"] });
  };
}

function Team() {
  const [inviting, setInviting] = useState(false);
  return (
    <Page
      title="Team"
      tab="Team"
      hint="Members see live and test mode of this business. A role says what they may do."
      actions={
        <Allowed permission="members:write">
          <Button look="primary" onClick={() => setInviting(true)}>
            <MailPlus aria-hidden /> Invite
          </Button>
        </Allowed>
      }
    >
      <Together
        queries={[useMembers(), useInvitations()]}
        skeleton={
          <Card title="Members">
            <SkeletonRows />
          </Card>
        }
      >
        <Members />
        <Invitations />
        <Card title="Roles">
          <dl className="grid gap-3 sm:gap-2">
            {ROLES.map(([role, meaning]) => (
              <div key={role} className="sm:flex sm:gap-x-3">
                <dt className="w-24 shrink-0 font-medium">{named(role)}</dt>
                <dd className="text-subtle">{meaning}</dd>
              </div>
            ))}
          </dl>
        </Card>
      </Together>
      {inviting && <InviteDialog onClose={() => setInviting(false)} />}
    </Page>
  );
}

function Members() {
  const { can, me } = useSession();
  const refresh = useTeam();
  const query = useMembers();
  const pager = useTurning("members");
  const [removing, setRemoving] = useState<Member | null>(null);
  const change = useMutation({
    mutationFn: ({ member, role }: { member: Member; role: string }) =>
      raw("PATCH", `/members/${member.user_id}`, { role }),
    onSuccess: () => toast.success("The role is changed"),
    onError: (error) => toast.error("The role was not changed", messageOf(error)),
    onSettled: refresh,
  });
  const writable = can("members:write");
  return (
    <Card title="Members">
      <PagedList
        label="Members"
        query={query}
        pager={pager}
        empty={<Empty icon={<Users />} title={pager.cursor ? "Nobody on this page" : "Nobody here yet"} />}
        row={(member) => (
          <li
            key={member.user_id}
            className="flex flex-wrap items-center justify-between gap-3 py-3 first:pt-0 last:pb-0"
          >
            <div className="min-w-0">
              <p className="flex min-w-0 flex-wrap items-center gap-2">
                <span dir="auto" className="min-w-0 font-medium break-words">
                  {member.name}
                </span>
                {member.user_id === me.id && <Badge>You</Badge>}
                {member.totp_enabled && <Badge tone="success">Second step</Badge>}
              </p>
              <p className="text-[13px] break-all text-subtle">{member.email}</p>
              <p className="text-[13px] text-subtle">
                {member.last_seen_at ? (
                  <span title={fullTime(member.last_seen_at)}>seen {ago(member.last_seen_at)}</span>
                ) : (
                  "not seen yet"
                )}
              </p>
            </div>
            {writable ? (
              <div className="flex items-center gap-2">
                <Select
                  aria-label={`Role of ${member.name}`}
                  value={member.role}
                  className="w-40"
                  onChange={(event) => change.mutate({ member, role: event.target.value })}
                >
                  {ROLES.map(([role]) => (
                    <option key={role} value={role}>
                      {named(role)}
                    </option>
                  ))}
                </Select>
                <Button size="sm" onClick={() => setRemoving(member)} aria-label={`Remove ${member.name}`}>
                  Remove
                </Button>
              </div>
            ) : (
              <Badge>{named(member.role)}</Badge>
            )}
          </li>
        )}
      />
      {removing && <RemoveDialog member={removing} onClose={() => setRemoving(null)} />}
    </Card>
  );
}

function RemoveDialog({ member, onClose }: { member: Member; onClose: () => void }) {
  const refresh = useTeam();
  const remove = useMutation({
    mutationFn: () => raw("DELETE", `/members/${member.user_id}`),
    onSuccess: () => {
      toast.success(`${member.name} no longer belongs to this business`);
      refresh();
      onClose();
    },
  });
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={`Remove ${member.name}?`}
      description="They lose access at once. What they did stays in the audit log."
    >
      <FormError error={remove.error ? messageOf(remove.error) : null} />
      <DialogActions>
        <Button onClick={onClose}>Keep</Button>
        <Button look="danger" busy={remove.isPending} onClick={() => remove.mutate()}>
          Remove
        </Button>
      </DialogActions>
    </Dialog>
  );
}

function Invitations() {
  const { can } = useSession();
  const refresh = useTeam();
  const query = useInvitations();
  const act = useMutation({
    mutationFn: ({ id, what }: { id: string; what: "resend" | "revoke" }) => raw("POST", `/invitations/${id}/${what}`),
    onSuccess: (_answer, { what }) => toast.success(what === "resend" ? "Sent again" : "The invitation is withdrawn"),
    onError: (error) => toast.error("That did not work", messageOf(error)),
    onSettled: refresh,
  });
  const pager = useTurning("invitations");
  if (query.data?.data.length === 0 && !pager.cursor) return null;
  return (
    <Card title="Invitations" hint="A link in an e-mail, valid once and for a limited time.">
      <PagedList
        label="Invitations"
        query={query}
        pager={pager}
        row={(invitation) => (
          <li
            key={invitation.id}
            className="flex flex-wrap items-center justify-between gap-3 py-3 first:pt-0 last:pb-0"
          >
            <div className="min-w-0">
              <p className="flex flex-wrap items-center gap-2">
                <span className="font-medium break-all">{invitation.email ?? "address removed"}</span>
                <Badge>{named(invitation.role)}</Badge>
                <Status value={invitation.status} />
              </p>
              <p className="text-[13px] text-subtle">valid until {fullTime(invitation.expires_at)}</p>
            </div>
            {can("members:write") && invitation.status === "open" && (
              <div className="flex gap-2">
                <Button size="sm" onClick={() => act.mutate({ id: invitation.id, what: "resend" })}>
                  Send again
                </Button>
                <Button size="sm" look="danger" onClick={() => act.mutate({ id: invitation.id, what: "revoke" })}>
                  Withdraw
                </Button>
              </div>
            )}
          </li>
        )}
      />
    </Card>
  );
}

function InviteDialog({ onClose }: { onClose: () => void }) {
  const refresh = useTeam();
  const { error, busy, submit } = useForm(
    (form) => raw("POST", "/invitations", { email: form.email, role: form.role }),
    () => {
      toast.success("The invitation is on its way");
      refresh();
      onClose();
    },
  );
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title="Invite a colleague"
      description="They get a link by e-mail."
    >
      <form onSubmit={submit} className="grid gap-4">
        <Field label="E-mail address" error={error}>
          <Input name="email" type="email" required autoFocus autoComplete="off" />
        </Field>
        <Field label="Role">
          <Select name="role" defaultValue="viewer">
            {ROLES.map(([role, meaning]) => (
              <option key={role} value={role}>
                {named(role)}: {meaning}
              </option>
            ))}
          </Select>
        </Field>
        <DialogActions>
          <Button onClick={onClose}>Cancel</Button>
          <Button look="primary" type="submit" busy={busy}>
            Invite
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}
