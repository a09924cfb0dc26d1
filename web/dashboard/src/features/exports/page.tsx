import { type FormEvent, useState } from "react";
import { api } from "@/api/client";
import { exportList, progressOf, useExports } from "@/features/exports/menu";
import { cancelExport, type Export, type Exportable, type FileFormat, type Query } from "@/lib/exports";
import { endOfDay, startOfDay } from "@/lib/time";
import { actorName } from "@/lib/words";
import { useSession } from "@/session";
import { Button } from "@/ui/button";
import { Card } from "@/ui/card";
import { Field, Input, Select } from "@/ui/field";
import { Moment } from "@/ui/moment";
import { Loaded } from "@/ui/states";

const LISTS: [Exportable, string][] = [
  ["payments", "Transactions"],
  ["refunds", "Refunds"],
  ["orders", "Orders"],
];
const nameOf = (list: string) => LISTS.find(([each]) => each === list)?.[1] ?? list;
const STATES: Record<Export["state"], string> = {
  running: "",
  saved: "Saved",
  cancelled: "Stopped",
  failed: "Failed",
};

/** Exports: begin one, see how far those of this tab are, and who made which before. */
export function Exports() {
  const { can } = useSession();
  return (
    <>
      {can("exports:write") ? <Begin /> : <p>Your role may not export lists.</p>}
      <OfThisTab />
      {can("audit:read") && <Before />}
    </>
  );
}

function Begin() {
  const [list, setList] = useState<Exportable>("payments");
  const hasPeriod = list !== "orders";
  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const [from, to] = ["from", "to"].map((name) => String(form.get(name) ?? ""));
    const query: Query = {};
    const [since, until] = [from && startOfDay(from), to && endOfDay(to)];
    if (since) query.created_from = since;
    if (until) query.created_to = until;
    void exportList(list, String(form.get("format")) as FileFormat, query);
  }
  return (
    <Card
      title="Export a list"
      hint="A list exports what its filters show, too. Texts that a spreadsheet would run as formulas are made harmless."
    >
      <form onSubmit={submit} className="grid items-end gap-4 sm:grid-cols-2 lg:grid-cols-4">
        <Field label="List">
          <Select value={list} onChange={(event) => setList(event.target.value as Exportable)}>
            {LISTS.map(([value, label]) => (
              <option key={value} value={value}>
                {label}
              </option>
            ))}
          </Select>
        </Field>
        <Field label="File">
          <Select name="format">
            <option value="csv">CSV, any number of rows</option>
            <option value="xlsx">Excel, at most 100,000 rows</option>
          </Select>
        </Field>
        {hasPeriod && (
          <>
            <Field label="From">
              <Input type="date" name="from" />
            </Field>
            <Field label="To (included)">
              <Input type="date" name="to" />
            </Field>
          </>
        )}
        <Button type="submit" look="primary" className="justify-self-start">
          Export
        </Button>
      </form>
    </Card>
  );
}

function OfThisTab() {
  const found = useExports();
  if (found.length === 0) return null;
  return (
    <Card
      title="In this tab"
      hint="A file goes to your browser, and is not kept here. It goes on while you look at other pages."
    >
      <ul className="divide-y divide-border">
        {found.map((each) => (
          <li key={each.id} className="flex flex-wrap items-center justify-between gap-3 py-2.5 first:pt-0 last:pb-0">
            <div className="min-w-0">
              <p className="font-medium">
                {nameOf(each.list)}, {each.format.toUpperCase()}
              </p>
              <p className="text-[13px] text-subtle">
                <Moment at={each.startedAt} />
                {Object.keys(each.query).length > 0 && " · filtered"}
                {each.error && <span className="block text-danger">{each.error}</span>}
              </p>
            </div>
            <div className="flex items-center gap-3">
              <span className="numeric text-[13px] text-subtle" role={each.state === "running" ? "status" : undefined}>
                {[STATES[each.state], progressOf(each)].filter(Boolean).join(": ")}
              </span>
              {each.state === "running" ? (
                <Button size="sm" onClick={() => cancelExport(each.id)}>
                  Stop
                </Button>
              ) : (
                <Button size="sm" onClick={() => void exportList(each.list, each.format, each.query)}>
                  Again
                </Button>
              )}
            </div>
          </li>
        ))}
      </ul>
    </Card>
  );
}

/** Files are not kept, so what is listed is who exported which list: from the audit log. */
function Before() {
  const query = api.useQuery("get", "/api/v1/audit_log", {
    params: { query: { action: "export.create", limit: 20 } },
  });
  return (
    <Card title="Exports of all members" hint="From the audit log: the last 20.">
      <Loaded query={query}>
        {({ data }) =>
          data.length === 0 ? (
            <p className="text-[13px] text-subtle">Nobody has exported a list.</p>
          ) : (
            <ul className="divide-y divide-border">
              {data.map((entry) => (
                <li
                  key={entry.id}
                  className="flex flex-wrap justify-between gap-x-4 gap-y-1 py-2.5 first:pt-0 last:pb-0"
                >
                  <span className="min-w-0 truncate">
                    {nameOf(String(entry.detail.list))}, {String(entry.detail.format).toUpperCase()}
                    <span className="block truncate text-[13px] text-subtle">{actorName(entry.actor)}</span>
                  </span>
                  <Moment at={entry.created_at} />
                </li>
              ))}
            </ul>
          )
        }
      </Loaded>
    </Card>
  );
}
