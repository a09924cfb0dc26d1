import type { components } from "@/api/schema";
import { useGatewayNames } from "@/features/gateways/names";
import { percent } from "@/lib/money";

type DecisionResource = components["schemas"]["DecisionResource"];

const BY: Record<string, string> = {
  rule: "A routing rule chose the gateway.",
  default: "No rule fitted, so the default of your routing rules chose the gateway.",
  priority: "The gateway's priority decided: no active routing rule fitted.",
  request: "The request named the gateway.",
};

/** Where a payment goes and why, in words. */
export function Decision({ decision }: { decision: DecisionResource }) {
  const name = useGatewayNames();
  return (
    <div className="grid gap-3 text-[13px]">
      <p>
        {BY[decision.by] ?? decision.by}
        {decision.rule && (
          <>
            {" "}
            Rule{" "}
            <strong dir="auto" className="font-medium">
              {decision.rule}
            </strong>
            {decision.version !== null && ` of version ${decision.version}`}.
          </>
        )}
      </p>
      {decision.gateways.length === 0 && <p className="font-medium text-danger">No gateway: the payment is refused.</p>}
      <ol className="grid gap-1">
        {decision.gateways.map((id, index) => (
          <li key={id}>
            <span className="text-subtle">{index === 0 ? "Tried first:" : "Then:"}</span>{" "}
            <span dir="auto">{name(id)}</span>
          </li>
        ))}
      </ol>
      {decision.fell_back && <p>What the rule named could not be used, so it fell back to others.</p>}
      {decision.despite_breaker && <p>Every gateway had an open circuit breaker; one was tried all the same.</p>}
      {decision.left_out.length > 0 && (
        <div>
          <p className="font-medium">Left out</p>
          <ul className="mt-1 grid gap-1">
            {decision.left_out.map((each) => (
              <li key={each.gateway_id}>
                <span dir="auto">{name(each.gateway_id)}</span>: <span className="text-subtle">{each.reason}</span>
              </li>
            ))}
          </ul>
        </div>
      )}
      {decision.success_rate && (
        <ul className="grid gap-1 text-subtle">
          {decision.success_rate.gateways.map((each) => (
            <li key={each.gateway_id}>
              {name(each.gateway_id)}: {percent(each.rate)} of {each.samples}
              {each.put_last && ", put last"}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
