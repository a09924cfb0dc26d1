import { keepPreviousData } from "@tanstack/react-query";
import { createFileRoute } from "@tanstack/react-router";
import { Download, ScrollText } from "lucide-react";
import { useState } from "react";
import { api } from "@/api/client";
import type { components } from "@/api/schema";
import { useActorNames } from "@/features/actors";
import type { Filter } from "@/features/filters";
import { List, listQuery } from "@/features/list";
import type { Column } from "@/features/table";
import { downloadUrl } from "@/lib/download";
import { asSearch } from "@/lib/list-route";
import { fullTime } from "@/lib/time";
import { named } from "@/lib/words";
import { Button } from "@/ui/button";
import { Copyable } from "@/ui/copy";
import { Dialog } from "@/ui/dialog";
import { Moment } from "@/ui/moment";
import { Fact, Facts, Page } from "@/ui/page";
import { Empty } from "@/ui/states";

type Entry = components["schemas"]["AuditEntry"];

export const Route = createFileRoute("/_app/audit")({ validateSearch: asSearch, component: AuditLog });

const FILTERS: Filter[] = [
  { kind: "text", key: "action", label: "Act", placeholder: "api_key.create" },
  { kind: "text", key: "actor", label: "Who", placeholder: "user:usr_… or key:key_…" },
  { kind: "text", key: "subject_id", label: "Subject", hint: "The id of what was changed, in full." },
  { kind: "dates", label: "Time", from: "created_from", to: "created_to" },
];

function AuditLog() {
  const search = Route.useSearch();
  const [open, setOpen] = useState<Entry | null>(null);
  const parameters = listQuery(search, FILTERS);
  const nameOf = useActorNames();
  const query = api.useQuery(
    "get",
    "/api/v1/audit_log",
    { params: { query: parameters as never } },
    { placeholderData: keepPreviousData },
  );
  const columns: Column<Entry>[] = [
    {
      id: "action",
      header: "Act",
      phone: "title",
      cell: (entry) => (
        <button type="button" className="text-left font-medium hover:underline" onClick={() => setOpen(entry)}>
          {named(entry.action)}
        </button>
      ),
    },
    {
      id: "actor",
      header: "Who",
      phone: "line",
      cell: (entry) => (
        <span className="block max-w-56 truncate" title={entry.actor}>
          {nameOf(entry.actor)}
        </span>
      ),
    },
    {
      id: "subject",
      header: "Subject",
      phone: "detail",
      cell: (entry) => <code className="block max-w-60 truncate font-mono text-xs">{entry.subject_id}</code>,
    },
    {
      id: "address",
      header: "From",
      cell: (entry) => entry.address && <span className="text-subtle">{entry.address}</span>,
    },
    { id: "at", header: "Time", phone: "side", align: "right", cell: (entry) => <Moment at={entry.created_at} /> },
  ];
  const exported = Object.fromEntries(
    Object.entries(parameters).filter(([key]) => key !== "limit" && key !== "cursor"),
  );
  return (
    <Page
      title="Audit log"
      tab="Audit log"
      hint="Who did what, from where. Nobody can change or delete a line."
      actions={
        <Button onClick={() => void downloadUrl("/audit_log/export", exported, "audit_log.csv")}>
          <Download aria-hidden /> CSV
        </Button>
      }
    >
      <List
        label="Audit log"
        query={query}
        search={search}
        filters={FILTERS}
        columns={columns}
        rowId={(entry) => entry.id}
        empty={
          <Empty icon={<ScrollText />} title="Nothing sensitive was done yet">
            Keys, endpoints, gateways, members, settings, refunds and decisions leave a line here.
          </Empty>
        }
      />
      {open && <EntryDialog entry={open} onClose={() => setOpen(null)} />}
    </Page>
  );
}

function EntryDialog({ entry, onClose }: { entry: Entry; onClose: () => void }) {
  return (
    <Dialog
      open
      onOpenChange={(next) => !next && onClose()}
      title={named(entry.action)}
      description={fullTime(entry.created_at)}
      wide
    >
      <Facts>
        <Fact name="Who">
          <Copyable text={entry.actor} what="actor" />
        </Fact>
        <Fact name={named(entry.subject_type)}>
          <Copyable text={entry.subject_id} what="subject" />
        </Fact>
        <Fact name="From">{entry.address ?? "–"}</Fact>
        {entry.request_id && (
          <Fact name="Request">
            <Copyable text={entry.request_id} what="request id" />
          </Fact>
        )}
      </Facts>
      {Object.keys(entry.detail).length > 0 && (
        <pre
          // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by the keyboard
          tabIndex={0}
          role="region"
          aria-label="Details"
          dir="auto"
          className="mt-4 max-h-80 overflow-auto rounded-lg bg-muted/60 p-3 font-mono text-xs whitespace-pre-wrap"
        >
          {JSON.stringify(entry.detail, null, 2)}
        </pre>
      )}
    </Dialog>
  );
}
