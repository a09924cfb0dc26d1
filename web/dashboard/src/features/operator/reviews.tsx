import { keepPreviousData } from "@tanstack/react-query";
import { useSearch } from "@tanstack/react-router";
import { CircleCheck, Scale } from "lucide-react";
import { useState } from "react";
import { api } from "@/api/client";
import type { components } from "@/api/schema";
import { listQuery } from "@/features/list";
import { DecisionDialog } from "@/features/operator/decision-dialog";
import { MerchantName } from "@/features/operator/merchant-name";
import { PagedList } from "@/features/paged-list";
import { usePager } from "@/features/pager";
import { money } from "@/lib/money";
import { ago, fullTime } from "@/lib/time";
import { named } from "@/lib/words";
import { usePolling } from "@/shell/live";
import { Badge } from "@/ui/badge";
import { Button } from "@/ui/button";
import { Card } from "@/ui/card";
import { Empty } from "@/ui/states";

export type Awaiting = components["schemas"]["AwaitingDecision"];

const KINDS: Readonly<Record<Awaiting["kind"], string>> = {
  payment: "Payment",
  refund: "Refund",
  review: "Contradiction",
};

/** What waits for a person to decide, of all merchants. */
export default function Reviews() {
  const [open, setOpen] = useState<Awaiting | null>(null);
  const search = useSearch({ from: "/_app/operator" });
  const pager = usePager(search);
  const query = api.useQuery(
    "get",
    "/api/v1/operator/reviews",
    { params: { query: listQuery(search, []) as never } },
    { placeholderData: keepPreviousData, refetchInterval: usePolling() },
  );
  return (
    <Card flush>
      <PagedList
        label="Reviews"
        query={query}
        pager={pager}
        words={["Previous", "Next"]}
        className="px-4 py-3 sm:px-5"
        empty={
          <Empty icon={<CircleCheck />} title={pager.cursor ? "Nothing on this page" : "Nothing waits for a decision"}>
            {pager.cursor
              ? "What waited here is decided meanwhile."
              : "A payment or refund comes here when its outcome at the gateway is unknown, or when the gateway says something else than the record."}
          </Empty>
        }
        row={(each) => (
          <li key={each.id} className="flex flex-wrap items-center gap-x-4 gap-y-2 px-4 py-3 sm:px-5">
            <div className="min-w-0 flex-1 basis-64">
              <p className="flex flex-wrap items-center gap-2">
                <span className="font-medium">
                  {KINDS[each.kind]}
                  {each.amount !== null && each.currency && (
                    <span className="numeric"> of {money(each.amount, each.currency)}</span>
                  )}
                </span>
                {each.review_kind && <Badge tone="warning">{named(each.review_kind)}</Badge>}
                {each.gateway && <span className="text-[13px] text-subtle">at {named(each.gateway)}</span>}
              </p>
              <p className="mt-0.5 flex flex-wrap items-center gap-x-3 text-[13px] text-subtle">
                <MerchantName name={each.merchant_name} mode={each.mode} />
                <code className="font-mono text-xs break-all">{each.subject_id}</code>
                <span title={fullTime(each.since)}>waits since {ago(each.since)}</span>
              </p>
            </div>
            <Button size="sm" onClick={() => setOpen(each)}>
              <Scale aria-hidden /> Decide
            </Button>
          </li>
        )}
      />
      {open && <DecisionDialog awaiting={open} onClose={() => setOpen(null)} />}
    </Card>
  );
}
