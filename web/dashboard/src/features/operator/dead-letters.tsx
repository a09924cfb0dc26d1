import { keepPreviousData, useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { CircleCheck } from "lucide-react";
import { api } from "@/api/client";
import { messageOf } from "@/api/errors";
import { raw } from "@/api/raw";
import type { components } from "@/api/schema";
import { listQuery } from "@/features/list";
import { actFor } from "@/features/operator/as-merchant";
import { MerchantName } from "@/features/operator/merchant-name";
import { WorkflowLink } from "@/features/operator/workflow-link";
import { PagedList } from "@/features/paged-list";
import { PAGE_SIZE, usePager } from "@/features/pager";
import { cn } from "@/lib/cn";
import { plural } from "@/lib/money";
import { one } from "@/lib/search";
import { toast } from "@/lib/toast";
import { eventName, named } from "@/lib/words";
import { Badge } from "@/ui/badge";
import { Button } from "@/ui/button";
import { Card } from "@/ui/card";
import { Copyable } from "@/ui/copy";
import { Moment } from "@/ui/moment";
import { Empty } from "@/ui/states";

type DeadLetter = components["schemas"]["DeadLetter"];
type Kind = DeadLetter["kind"];

type Words = { label: string; empty: string; hint: string; button: string; done: string };
const KINDS: Readonly<Record<Kind, Words>> = {
  delivery: {
    label: "Deliveries",
    empty: "Every webhook arrived, or is still tried.",
    hint: "Webhooks whose last attempt failed. The merchant can retry them too.",
    button: "Retry",
    done: "One more attempt was made",
  },
  gateway_event: {
    label: "Gateway events",
    empty: "Every event of a gateway was used.",
    hint: "Not signed, not readable, or about nothing that Clearway knows. Payments are polled meanwhile, so none is lost.",
    button: "Process again",
    done: "It was processed again",
  },
  mail: {
    label: "Mails",
    empty: "Every mail was sent, or is still tried.",
    hint: "Given up after three days, or refused for good by the mail server. Content and address stay sealed.",
    button: "Send again",
    done: "It is on its way",
  },
  workflow: {
    label: "Workflows",
    empty: "No workflow failed, timed out or was terminated without a later run.",
    hint: "Housekeeping starts a new run for payments, refunds, deliveries and mails that have not ended.",
    button: "Take up now",
    done: "Housekeeping was started",
  },
};

function retry(letter: DeadLetter): Promise<unknown> {
  if (letter.kind === "delivery") return actFor(letter.merchant_id!, `/webhooks/${letter.id}/retry`);
  if (letter.kind === "gateway_event") return actFor(letter.merchant_id!, `/gateway_events/${letter.id}/replay`);
  if (letter.kind === "mail") return raw("POST", `/operator/mails/${letter.id}/resend`);
  return raw("POST", "/operator/jobs/run", { id: "maintenance" });
}

/** What ended without doing its work, one kind at a time. */
export default function DeadLetters() {
  const search = useSearch({ from: "/_app/operator" });
  const navigate = useNavigate();
  const kind = (one(search.kind) ?? "delivery") as Kind;
  const words = KINDS[kind] ?? KINDS.delivery;
  const pager = usePager(search);
  const query = api.useQuery(
    "get",
    "/api/v1/operator/dead_letters",
    { params: { query: { ...listQuery(search, []), kind, limit: PAGE_SIZE } } },
    { placeholderData: keepPreviousData, refetchInterval: 15_000 },
  );
  return (
    <>
      <div role="group" aria-label="Kind" className="flex flex-wrap gap-2">
        {Object.entries(KINDS).map(([each, { label }]) => (
          <button
            key={each}
            type="button"
            aria-pressed={each === kind}
            onClick={() => {
              pager.forget();
              void navigate({ to: ".", search: { tab: "dead_letters", kind: each } } as never);
            }}
            className={cn(
              "h-9 rounded-full border px-3.5 text-[13px] font-medium max-sm:h-11",
              each === kind
                ? "border-primary bg-primary-soft text-on-primary-soft"
                : "border-border bg-surface text-subtle hover:bg-muted",
            )}
          >
            {label}
          </button>
        ))}
      </div>
      <Card title={words.label} hint={words.hint}>
        <PagedList
          label={words.label}
          query={query}
          pager={pager}
          empty={
            <Empty icon={<CircleCheck />} title={pager.cursor ? "Nothing on this page" : "Nothing is stuck"}>
              {pager.cursor ? "What was stuck here is settled meanwhile." : words.empty}
            </Empty>
          }
          row={(letter) => <Letter key={`${letter.id} ${letter.run_id ?? ""}`} letter={letter} words={words} />}
        />
        {query.data?.has_more && !query.data.next_cursor && (
          <p className="mt-3 text-[13px] text-subtle">There are more. The Temporal UI lists all.</p>
        )}
      </Card>
    </>
  );
}

function Letter({ letter, words }: { letter: DeadLetter; words: Words }) {
  const queries = useQueryClient();
  const again = useMutation({
    mutationFn: () => retry(letter),
    onSuccess: () => {
      toast.success(words.done);
      void queries.invalidateQueries();
    },
    onError: (error: unknown) => toast.error("Nothing was done", messageOf(error)),
  });
  return (
    <li className="flex flex-wrap items-start justify-between gap-x-4 gap-y-2 py-3 text-[13px]">
      <div className="grid min-w-0 flex-1 basis-64 gap-1">
        <p className="flex flex-wrap items-center gap-x-2 gap-y-1">
          <span className="font-medium">{whatWords(letter)}</span>
          {letter.status && <Badge tone="danger">{named(letter.status)}</Badge>}
          {letter.attempts !== null && <span className="text-subtle">{plural(letter.attempts, "attempt")}</span>}
          <span className="text-subtle">
            <Moment at={letter.since} />
          </span>
        </p>
        {letter.error && (
          <p dir="auto" className="line-clamp-3 break-words text-danger" title={letter.error}>
            {letter.error}
          </p>
        )}
        <p className="flex flex-wrap items-center gap-x-3 text-subtle">
          {letter.merchant_name && <MerchantName name={letter.merchant_name} mode={letter.mode} />}
          {letter.kind === "workflow" ? (
            <WorkflowLink workflowId={letter.id} runId={letter.run_id ?? null} />
          ) : (
            <Copyable text={letter.id} what="id" />
          )}
          {(letter.payment_id ?? letter.subject_id) && letter.kind !== "workflow" && (
            <code className="font-mono text-xs break-all">{letter.payment_id ?? letter.subject_id}</code>
          )}
        </p>
      </div>
      {letter.can_retry ? (
        <Button size="sm" busy={again.isPending} onClick={() => again.mutate()}>
          {words.button}
        </Button>
      ) : (
        <span className="text-subtle">{CANNOT[letter.kind]}</span>
      )}
    </li>
  );
}

const CANNOT: Readonly<Record<Kind, string>> = {
  delivery: "Its endpoint is closed",
  gateway_event: "Only its beginning is stored",
  mail: "Its link is over",
  workflow: "Its next run follows its schedule",
};

function whatWords(letter: DeadLetter): string {
  if (letter.kind === "delivery") return eventName(letter.what);
  if (letter.kind === "workflow") return letter.what.replace(/Workflow$/, "");
  return named(letter.what);
}
