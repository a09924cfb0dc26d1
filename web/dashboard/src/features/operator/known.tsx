import { useQuery } from "@tanstack/react-query";
import type { components } from "@/api/schema";
import { readOf } from "@/features/operator/as-merchant";
import type { Awaiting } from "@/features/operator/reviews";
import { WorkflowLink } from "@/features/operator/workflow-link";
import { money } from "@/lib/money";
import { fullTime } from "@/lib/time";
import { actorName, eventName, named } from "@/lib/words";
import { Status } from "@/ui/badge";
import { Copyable } from "@/ui/copy";
import { ApiErrorNote } from "@/ui/note";
import { Fact, Facts } from "@/ui/page";
import { Loaded } from "@/ui/states";

type Payment = components["schemas"]["PaymentResource"];
type Refund = components["schemas"]["RefundResource"];
type Step = components["schemas"]["HistoryEntry"];

/** What is known of a payment or refund that waits for a decision, as its merchant sees it. */
export function Known({ awaiting }: { awaiting: Awaiting }) {
  const { merchant_id: merchant, subject_id: id } = awaiting;
  const isRefund = id.startsWith("rfnd_");
  const subject = useQuery({
    queryKey: ["operator", "subject", id],
    queryFn: () => readOf<Payment | Refund>(merchant, `/${isRefund ? "refunds" : "payments"}/${id}`),
  });
  const found = subject.data;
  const paymentId = found && ("payment_id" in found ? found.payment_id : found.id);
  const steps = useQuery({
    queryKey: ["operator", "history", id],
    queryFn: () => readOf<{ data: Step[] }>(merchant, `/payments/${paymentId}/history`),
    enabled: Boolean(paymentId),
  });
  return (
    <div className="grid gap-4">
      {awaiting.meaning && <p className="rounded-lg bg-warning-soft px-3 py-2 text-[13px]">{awaiting.meaning}</p>}
      <Loaded query={subject}>
        {(held) => (
          <div className="grid gap-3">
            {held.error_code && <ApiErrorNote code={held.error_code} text={held.error_description ?? null} />}
            <Facts>
              <Fact name={isRefund ? "Refund" : "Payment"}>
                <Copyable text={held.id} what="id" />
              </Fact>
              <Fact name="Status">
                <Status value={held.status} />
              </Fact>
              <Fact name="Asked for">
                <span className="numeric">{money(held.amount, held.currency)}</span>
              </Fact>
              {"amount_captured" in held && (
                <Fact name="Captured so far">
                  <span className="numeric">{money(held.amount_captured, held.currency)}</span>
                </Fact>
              )}
              {awaiting.gateway && <Fact name="Gateway">{named(awaiting.gateway)}</Fact>}
              <Fact name="The gateway's id">
                {awaiting.gateway_reference ? (
                  <Copyable text={awaiting.gateway_reference} what="gateway's id" />
                ) : (
                  "Not known: search there for ours"
                )}
              </Fact>
              <Fact name="Workflow">
                <WorkflowLink workflowId={`${isRefund ? "refund" : "payment"}/${held.id}`} />
              </Fact>
            </Facts>
          </div>
        )}
      </Loaded>
      <section>
        <h3 className="text-[13px] font-medium">What happened</h3>
        <Loaded query={steps}>
          {({ data }) => (
            <ol className="mt-1 grid gap-1.5 text-[13px]">
              {data.slice(-8).map((step) => (
                <li key={step.event_id} className="break-words">
                  <span className="text-subtle">{fullTime(step.at)}</span> {eventName(step.type)}
                  {step.reason && <span dir="auto">: {step.reason}</span>}{" "}
                  <span className="text-subtle">({actorName(step.actor)})</span>
                </li>
              ))}
            </ol>
          )}
        </Loaded>
      </section>
    </div>
  );
}
