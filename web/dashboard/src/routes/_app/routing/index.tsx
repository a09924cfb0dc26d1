import { useQueryClient } from "@tanstack/react-query";
import { createFileRoute, Link } from "@tanstack/react-router";
import { History, ListTree, Plus, Undo2 } from "lucide-react";
import { useState } from "react";
import { api } from "@/api/client";
import { useActorNames } from "@/features/actors";
import { List, listQuery } from "@/features/list";
import { Explain } from "@/features/routing/explain";
import { completed, type Version } from "@/features/routing/program";
import { RulesInWords } from "@/features/routing/rules-in-words";
import { SwitchOffDialog } from "@/features/routing/switch-off-dialog";
import type { Column } from "@/features/table";
import { asSearch } from "@/lib/list-route";
import { Allowed } from "@/session";
import { usePolling } from "@/shell/live";
import { Status } from "@/ui/badge";
import { Button } from "@/ui/button";
import { Card } from "@/ui/card";
import { Moment } from "@/ui/moment";
import { Page } from "@/ui/page";
import { Empty, Loaded, SkeletonRows, Together } from "@/ui/states";

export const Route = createFileRoute("/_app/routing/")({ validateSearch: asSearch, component: RoutingPage });

function RoutingPage() {
  const active = api.useQuery("get", "/api/v1/routing", {}, { refetchInterval: usePolling() });
  const version = active.data?.version ?? null;
  const program = version && completed(version.program);
  return (
    <Page
      title="Routing"
      tab="Routing"
      hint="Which gateway takes which payment. A version never changes: write another, try it, switch it on."
      actions={
        <Allowed permission="routing:write">
          <Button look="primary" asChild>
            <Link to={"/routing/new" as string} search={(version ? { from: String(version.number) } : {}) as never}>
              <Plus aria-hidden /> New version
            </Link>
          </Button>
        </Allowed>
      }
    >
      <Together
        queries={[active, useVersions()]}
        skeleton={
          <Card title="What is on">
            <SkeletonRows />
          </Card>
        }
      >
        <Active query={active} />
        <Versions />
        <Explain version={null} program={program} />
      </Together>
    </Page>
  );
}

type ActiveQuery = { data: { version: Version | null } | undefined; error: unknown; refetch: () => unknown };

function Active({ query }: { query: ActiveQuery }) {
  const actor = useActorNames();
  const queries = useQueryClient();
  const [dialog, setDialog] = useState<"roll_back" | "switch_off" | null>(null);
  const version = query.data?.version;
  return (
    <Card
      title="What is on"
      hint={
        version && (
          <>
            Version {version.number}
            {version.note && (
              <>
                , “<bdi>{version.note}</bdi>”
              </>
            )}
            , made by <bdi>{actor(version.created_by)}</bdi>, on since{" "}
            <Moment at={version.activated_at ?? version.created_at} />
          </>
        )
      }
      action={
        version && (
          <Allowed permission="routing:write">
            <Button size="sm" onClick={() => setDialog("roll_back")}>
              <Undo2 aria-hidden /> Roll back
            </Button>
            <Button size="sm" onClick={() => setDialog("switch_off")}>
              Use priority alone
            </Button>
          </Allowed>
        )
      }
    >
      <Loaded query={query}>
        {(found) =>
          found.version ? (
            <RulesInWords program={completed(found.version.program)} />
          ) : (
            <p className="max-w-prose text-[13px]">
              No rules are on. New payments try your enabled gateways in the order of{" "}
              <Link to="/gateways" className="text-primary underline">
                their priority
              </Link>
              .
            </p>
          )
        }
      </Loaded>
      {dialog && (
        <SwitchOffDialog
          act={dialog}
          onClose={() => setDialog(null)}
          onDone={() => {
            setDialog(null);
            void queries.invalidateQueries();
          }}
        />
      )}
    </Card>
  );
}

function useVersions() {
  const query = listQuery(Route.useSearch(), []);
  return api.useQuery(
    "get",
    "/api/v1/routing/versions",
    { params: { query: query as never } },
    { refetchInterval: usePolling() },
  );
}

function Versions() {
  const search = Route.useSearch();
  const actor = useActorNames();
  const query = useVersions();
  const columns: Column<Version>[] = [
    { id: "number", header: "Version", phone: "title", cell: (version) => `Version ${version.number}` },
    { id: "status", header: "Status", phone: "side", cell: (version) => <Status value={version.status} /> },
    {
      id: "note",
      header: "Note",
      phone: "line",
      cell: (version) =>
        version.note && (
          <span dir="auto" className="block truncate" title={version.note}>
            {version.note}
          </span>
        ),
    },
    {
      id: "who",
      header: "Made by",
      phone: "detail",
      cell: (version) => (
        <span dir="auto" className="block max-w-48 truncate" title={version.created_by}>
          {actor(version.created_by)}
        </span>
      ),
    },
    { id: "made", header: "Made", cell: (version) => <Moment at={version.created_at} /> },
    {
      id: "on",
      header: "Last switched on",
      align: "right",
      cell: (version) =>
        version.activated_at ? <Moment at={version.activated_at} /> : <span className="text-subtle">never</span>,
    },
  ];
  return (
    <section aria-labelledby="versions" className="grid min-w-0 grid-cols-[minmax(0,1fr)] gap-3">
      <h2 id="versions" className="flex items-center gap-2 text-[15px] font-semibold">
        <History aria-hidden className="size-4 text-subtle" /> Versions
      </h2>
      <List
        label="Versions"
        query={query}
        search={search}
        columns={columns}
        rowId={(version) => version.id}
        rowTo={(version) => `/routing/${version.number}`}
        empty={
          <Empty
            icon={<ListTree />}
            title="No rules were written yet"
            action={
              <Allowed permission="routing:write">
                <Button asChild>
                  <Link to={"/routing/new" as string}>Write the first rules</Link>
                </Button>
              </Allowed>
            }
          >
            Rules send UPI to one gateway and large cards to another, or share payments by percentage. A draft routes
            nothing until it is switched on.
          </Empty>
        }
      />
    </section>
  );
}
