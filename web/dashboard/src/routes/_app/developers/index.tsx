import { createFileRoute } from "@tanstack/react-router";
import { KeyRound, Plus } from "lucide-react";
import { useState } from "react";
import { api } from "@/api/client";
import { CreateKeyDialog, type KeyWithSecret } from "@/features/developers/create-key-dialog";
import { type ApiKey, keyStatus, scopes } from "@/features/developers/key-words";
import { NewSecret } from "@/features/developers/new-secret";
import { DeveloperTabs } from "@/features/developers/tabs";
import { List, listQuery } from "@/features/list";
import type { Column } from "@/features/table";
import { asSearch } from "@/lib/list-route";
import { Allowed, useSession } from "@/session";
import { Status } from "@/ui/badge";
import { Button } from "@/ui/button";
import { Moment } from "@/ui/moment";
import { Page } from "@/ui/page";
import { Empty } from "@/ui/states";

export const Route = createFileRoute("/_app/developers/")({ validateSearch: asSearch, component: Keys });

const COLUMNS: Column<ApiKey>[] = [
  {
    id: "name",
    header: "Name",
    phone: "title",
    cell: (key) => (
      <span className="block max-w-72 min-w-0">
        <span dir="auto" className="block truncate font-medium" title={key.name}>
          {key.name}
        </span>
        <code className="block truncate font-mono text-xs font-normal text-subtle" title={key.id}>
          {key.id}
        </code>
      </span>
    ),
  },
  {
    id: "scopes",
    header: "Permissions",
    phone: "detail",
    cell: (key) => <span title={key.permissions.join(", ")}>{scopes(key.permissions)}</span>,
  },
  {
    id: "networks",
    header: "From",
    cell: (key) =>
      key.allowed_networks.length === 0 ? (
        <span className="text-subtle">everywhere</span>
      ) : (
        <code className="block max-w-44 truncate font-mono text-xs" title={key.allowed_networks.join(", ")}>
          {key.allowed_networks.join(", ")}
        </code>
      ),
  },
  { id: "status", header: "Status", phone: "side", cell: (key) => <Status value={keyStatus(key)} /> },
  {
    id: "expires",
    header: "Expires",
    cell: (key) => (key.expires_at ? <Moment at={key.expires_at} /> : <span className="text-subtle">never</span>),
  },
  {
    id: "used",
    header: "Last used",
    align: "right",
    phone: "detail",
    cell: (key) =>
      key.last_used_at ? <Moment at={key.last_used_at} /> : <span className="text-subtle">not used yet</span>,
  },
];

function Keys() {
  const search = Route.useSearch();
  const { mode } = useSession();
  const [creating, setCreating] = useState(false);
  const [made, setMade] = useState<KeyWithSecret | null>(null);
  const query = api.useQuery("get", "/api/v1/api_keys", { params: { query: listQuery(search, []) as never } });
  const create = (
    <Allowed permission="keys:write">
      <Button look="primary" onClick={() => setCreating(true)}>
        <Plus aria-hidden /> Create key
      </Button>
    </Allowed>
  );
  return (
    <Page
      title="Developers"
      tab="API keys"
      hint={
        mode === "test"
          ? "Keys of test mode: they see test data only, and move no money."
          : "Keys of live mode: with them a program moves real money."
      }
      actions={query.data?.data.length === 0 ? undefined : create}
    >
      <DeveloperTabs />
      <List
        label="API keys"
        query={query}
        search={search}
        columns={COLUMNS}
        rowId={(key) => key.id}
        rowTo={(key) => `/developers/keys/${key.id}`}
        empty={
          <Empty icon={<KeyRound />} title={`No ${mode} key yet`} action={create}>
            Your server signs in to the API with a key and its secret. Give each program a key of its own, with only the
            permissions that it needs.
          </Empty>
        }
      />
      {creating && <CreateKeyDialog onClose={() => setCreating(false)} onMade={setMade} />}
      {made && <NewSecret made={made} onClose={() => setMade(null)} />}
    </Page>
  );
}
