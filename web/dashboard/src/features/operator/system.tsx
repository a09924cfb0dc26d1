import { api } from "@/api/client";
import type { components } from "@/api/schema";
import { count } from "@/lib/money";
import { ago, duration } from "@/lib/time";
import { named } from "@/lib/words";
import { Badge } from "@/ui/badge";
import { Card } from "@/ui/card";
import { Moment } from "@/ui/moment";
import { Fact, Facts } from "@/ui/page";
import { Loaded } from "@/ui/states";

type System = components["schemas"]["SystemResource"];
type Part = System["parts"][number];

const EVERY_MS = 5_000;
const BYTES = ["B", "kB", "MB", "GB", "TB"];

function size(bytes: number): string {
  const power = Math.min(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), BYTES.length - 1);
  return `${(bytes / 1_000 ** power).toFixed(power > 1 ? 1 : 0)} ${BYTES[power]}`;
}

/** Whether the parts answer, which processes run, and what waits. */
export default function SystemHealth() {
  const query = api.useQuery("get", "/api/v1/operator/system", {}, { refetchInterval: EVERY_MS });
  return (
    <Loaded query={query}>
      {(system) => (
        <>
          <Parts system={system} />
          <Queues queues={system.queues} />
          <Waiting system={system} />
          <Processes processes={system.processes} version={system.version} />
        </>
      )}
    </Loaded>
  );
}

const PARTS: Readonly<Record<Part["name"], string>> = { database: "Postgres", temporal: "Temporal" };

function Parts({ system }: { system: System }) {
  return (
    <div className="grid gap-4 sm:grid-cols-2 sm:gap-5">
      {system.parts.map((part) => (
        <Card
          key={part.name}
          title={
            <span className="flex flex-wrap items-center gap-2">
              {PARTS[part.name]}{" "}
              {part.answers ? <Badge tone="success">Answers</Badge> : <Badge tone="danger">Does not answer</Badge>}
            </span>
          }
        >
          <Facts>
            <Fact name="Version">{part.version ?? "–"}</Fact>
            <Fact name="Answered in">{part.latency_ms === null ? "–" : duration(part.latency_ms)}</Fact>
            {Object.entries(part.detail).map(([name, value]) => (
              <Fact key={name} name={named(name === "size_bytes" ? "size" : name)}>
                <span className="break-all">{name === "size_bytes" ? size(Number(value)) : String(value)}</span>
              </Fact>
            ))}
          </Facts>
        </Card>
      ))}
    </div>
  );
}

function Missing() {
  return <p className="text-[13px] text-danger">This part does not answer, so nothing is known of it.</p>;
}

function Queues({ queues }: { queues: System["queues"] }) {
  return (
    <Card title="Task queues" hint="Work that waits for workers. A rising wait means too few of them.">
      {!queues ? (
        <Missing />
      ) : (
        <ul className="divide-y divide-border">
          {queues.map((queue) => (
            <li key={queue.name} className="grid gap-1 py-2.5 text-[13px]">
              <p className="flex flex-wrap items-center gap-x-3 gap-y-1">
                <span className="font-medium">{named(queue.name)}</span>
                {queue.workers.length === 0 ? (
                  <Badge tone="danger">No worker</Badge>
                ) : (
                  <span className="text-subtle">
                    {queue.workers.length} {queue.workers.length === 1 ? "worker" : "workers"}
                  </span>
                )}
                <span className="numeric ml-auto">
                  {queue.waiting === 0
                    ? "nothing waits"
                    : `${count(queue.waiting)} wait, the oldest ${duration(queue.oldest_s * 1_000)}`}
                </span>
              </p>
              {queue.workers.map((worker) => (
                <p key={worker.identity} className="flex flex-wrap justify-between gap-x-4 text-subtle">
                  <code className="font-mono text-xs break-all">{worker.identity}</code>
                  <span>seen {ago(worker.seen_at)}</span>
                </p>
              ))}
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}

function Waiting({ system }: { system: System }) {
  return (
    <Card title="Overdue" hint="What should have been sent by now. A few seconds are usual.">
      {!system.overdue ? (
        <Missing />
      ) : (
        <Facts>
          {system.overdue.map((each) => (
            <Fact key={each.kind} name={named(each.kind)}>
              {each.waiting === 0 ? (
                "None"
              ) : (
                <>
                  {count(each.waiting)}
                  {each.oldest_at && <span className="text-subtle">, the oldest was due {ago(each.oldest_at)}</span>}
                </>
              )}
            </Fact>
          ))}
          <Fact name="Contradictions under review">{system.reviews_open ?? "–"}</Fact>
        </Facts>
      )}
    </Card>
  );
}

function programName(program: string): string {
  return program === "clearway-api" ? "API" : named(program.replace(/^clearway-/, "").replaceAll("-", " "));
}

function Processes({ processes, version }: { processes: System["processes"]; version: string }) {
  return (
    <Card
      title="Processes"
      hint={`Those with a connection to Postgres now. This one is version ${version}; others may differ while you deploy.`}
    >
      {!processes ? (
        <Missing />
      ) : (
        <ul className="divide-y divide-border">
          {processes.map((each) => (
            <li
              key={`${each.program} ${each.process} ${each.address}`}
              className="flex flex-wrap items-center gap-x-4 gap-y-1 py-2.5 text-[13px]"
            >
              <span className="font-medium">{programName(each.program)}</span>
              <code className="font-mono text-xs break-all text-subtle">{each.process}</code>
              {each.version && (
                <Badge tone={each.version === version ? "neutral" : "warning"}>version {each.version}</Badge>
              )}
              <span className="ml-auto text-subtle">
                {each.connections} {each.connections === 1 ? "connection" : "connections"}, {each.busy} at work, since{" "}
                <Moment at={each.since} />
              </span>
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}
