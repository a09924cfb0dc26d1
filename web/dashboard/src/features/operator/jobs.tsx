import { keepPreviousData, useQueryClient } from "@tanstack/react-query";
import { Play } from "lucide-react";
import { api } from "@/api/client";
import { messageOf } from "@/api/errors";
import type { components } from "@/api/schema";
import { MerchantName } from "@/features/operator/merchant-name";
import { WorkflowLink } from "@/features/operator/workflow-link";
import { ago, duration } from "@/lib/time";
import { toast } from "@/lib/toast";
import { named } from "@/lib/words";
import { Badge } from "@/ui/badge";
import { Button } from "@/ui/button";
import { Card } from "@/ui/card";
import { Moment } from "@/ui/moment";
import { Empty, Loaded } from "@/ui/states";

type Job = components["schemas"]["JobResource"];

const EVERY_MS = 5_000;
const NAMES: Readonly<Record<Job["kind"], [string, string]>> = {
  housekeeping: [
    "Housekeeping and recovery",
    "Starts lost workflows again, removes what has expired, keeps partitions, schedules, rates and mails in order.",
  ],
  reconciliation: ["Reconciliation", "Starts the comparisons with the gateways' books that are due."],
  health_check: ["Health check", "Asks the gateway whether it works. No money moves."],
};

/** What runs by a schedule or in the background. */
export default function Jobs() {
  const query = api.useQuery("get", "/api/v1/operator/jobs", {}, { refetchInterval: EVERY_MS });
  return (
    <>
      <Loaded query={query}>
        {({ jobs, background }) => (
          <>
            {jobs.length === 0 && (
              <Card>
                <Empty title="No schedule is there">
                  A worker creates housekeeping and reconciliation within half a minute of its start. Is one running?
                </Empty>
              </Card>
            )}
            {jobs.map((job) => (
              <JobCard key={job.id} job={job} />
            ))}
            <Card title="In the background now">
              {background.length === 0 ? (
                <p className="text-[13px] text-subtle">
                  Nothing: no comparison, recovery or check runs at this moment.
                </p>
              ) : (
                <ul className="grid gap-2 text-[13px]">
                  {background.map((each) => (
                    <li key={each.run_id} className="flex flex-wrap items-center justify-between gap-x-4">
                      <WorkflowLink workflowId={each.workflow_id} runId={each.run_id} />
                      <span className="text-subtle">{ago(each.started_at)}</span>
                    </li>
                  ))}
                </ul>
              )}
            </Card>
          </>
        )}
      </Loaded>
      <HealthChecks />
    </>
  );
}

function useRunNow() {
  const queries = useQueryClient();
  const run = api.useMutation("post", "/api/v1/operator/jobs/run");
  function now(job: Pick<Job, "id">, name: string) {
    run.mutate(
      { body: { id: job.id } },
      {
        onSuccess: () => {
          toast.success(`${name} was started`, "Nothing is started while a run is under way.");
          void queries.invalidateQueries();
        },
        onError: (error: unknown) => toast.error("It was not started", messageOf(error)),
      },
    );
  }
  return { now, isPending: (id: string) => run.isPending && run.variables?.body.id === id };
}

function JobCard({ job }: { job: Job }) {
  const { now, isPending } = useRunNow();
  const [name, hint] = NAMES[job.kind];
  const result = Object.entries(job.last?.result ?? {});
  return (
    <Card
      title={
        <span className="flex flex-wrap items-center gap-2">
          {name} <State job={job} />
        </span>
      }
      hint={hint}
      action={
        <Button size="sm" busy={isPending(job.id)} onClick={() => now(job, name)}>
          <Play aria-hidden /> Run now
        </Button>
      }
    >
      <Times job={job} />
      {job.last?.error && (
        <p dir="auto" className="mt-3 rounded-lg bg-danger-soft px-3 py-2 text-[13px] break-words">
          {job.last.error}
        </p>
      )}
      {result.length > 0 && (
        <dl className="mt-4 grid gap-x-8 gap-y-1 text-[13px] sm:grid-cols-2">
          {result.map(([what, value]) => (
            <div key={what} className="flex justify-between gap-4 border-b border-border/60 py-1">
              <dt className="text-subtle">{named(what)}</dt>
              <dd className="numeric text-right break-words">{resultText(value)}</dd>
            </div>
          ))}
        </dl>
      )}
    </Card>
  );
}

function resultText(value: unknown): string {
  if (value === null || typeof value !== "object") return String(value);
  const parts = Object.entries(value).map(([name, each]) => `${named(name)} ${resultText(each)}`);
  return parts.length ? parts.join(", ") : "none";
}

function State({ job }: { job: Job }) {
  if (job.paused) return <Badge tone="warning">Paused{job.note ? `: ${job.note}` : ""}</Badge>;
  if (job.running) return <Badge tone="info">Running now</Badge>;
  if (!job.last) return <Badge>Has not run yet</Badge>;
  if (job.last.status === "completed") return <Badge tone="success">Last run went well</Badge>;
  if (job.last.status === "forgotten") return <Badge>Last run is no longer stored</Badge>;
  return <Badge tone={job.last.status === "running" ? "info" : "danger"}>Last run: {named(job.last.status)}</Badge>;
}

function Times({ job }: { job: Job }) {
  const facts: [string, string][] = [
    ["Last run", job.last ? ago(job.last.started_at) : "never"],
    ["Next run", job.next_at ? ago(job.next_at) : job.paused ? "when it is resumed" : "–"],
    ["Every", job.every_s ? duration(job.every_s * 1_000) : "–"],
  ];
  return (
    <dl className="flex flex-wrap gap-x-8 gap-y-2 text-[13px]">
      {facts.map(([name, text]) => (
        <div key={name}>
          <dt className="text-subtle">{name}</dt>
          <dd className="font-medium">{text}</dd>
        </div>
      ))}
    </dl>
  );
}

function HealthChecks() {
  const { now, isPending } = useRunNow();
  const query = api.useQuery(
    "get",
    "/api/v1/operator/jobs/health_checks",
    { params: { query: { limit: 50 } } },
    { refetchInterval: EVERY_MS * 3, placeholderData: keepPreviousData },
  );
  return (
    <Card title="Health checks of gateways" hint="One schedule for each gateway; that of a disabled gateway is paused.">
      <Loaded query={query}>
        {({ data, has_more }) =>
          data.length === 0 ? (
            <p className="text-[13px] text-subtle">No gateway is connected.</p>
          ) : (
            <>
              <ul className="divide-y divide-border">
                {data.map((job) => (
                  <li
                    key={job.id}
                    className="flex flex-wrap items-center justify-between gap-x-4 gap-y-2 py-2.5 text-[13px]"
                  >
                    <div className="min-w-0 flex-1 basis-60">
                      <p className="flex flex-wrap items-center gap-2">
                        <span dir="auto" className="min-w-0 font-medium break-words">
                          {job.gateway_name}
                        </span>
                        <State job={job} />
                      </p>
                      <p className="mt-0.5 flex flex-wrap gap-x-3 text-subtle">
                        <MerchantName name={job.merchant_name} mode={null} />
                        {job.last && (
                          <span>
                            last <Moment at={job.last.started_at} />
                          </span>
                        )}
                        {job.next_at && <span>next {ago(job.next_at)}</span>}
                      </p>
                    </div>
                    <Button
                      size="sm"
                      busy={isPending(job.id)}
                      onClick={() => now(job, job.gateway_name ?? "The check")}
                    >
                      Check now
                    </Button>
                  </li>
                ))}
              </ul>
              {has_more && (
                <p className="mt-3 text-[13px] text-subtle">The newest 50 gateways are shown. Gateways lists all.</p>
              )}
            </>
          )
        }
      </Loaded>
    </Card>
  );
}
