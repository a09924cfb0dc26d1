import { Link } from "@tanstack/react-router";
import type { components } from "@/api/schema";
import { useGatewayNames } from "@/features/gateways/names";
import { FIELDS } from "@/features/routing/program";
import { count } from "@/lib/money";
import { named } from "@/lib/words";

type Trial = components["schemas"]["TrialResource"];

/** What a version would have done with past payments, beside what the active rules do. */
export function TrialResult({ trial }: { trial: Trial }) {
  const name = useGatewayNames();
  const most = Math.max(1, ...trial.gateways.flatMap((each) => [each.before, each.after]));
  if (trial.payments === 0) {
    return (
      <p className="text-[13px] text-subtle">
        There are no payments yet to try it on. Switching it on cannot be compared.
      </p>
    );
  }
  return (
    <div data-testid="trial" className="grid gap-5 text-[13px]">
      <p className="text-sm">
        Of your last {count(trial.payments)} payments, <strong>{count(trial.moved)}</strong>{" "}
        {trial.moved === 1 ? "would go" : "would go"} elsewhere
        {trial.refused > 0 ? (
          <>
            , and <strong className="text-danger">{count(trial.refused)} would find no gateway</strong>.
          </>
        ) : (
          ", and none would be left without a gateway."
        )}
      </p>
      <table className="w-full border-collapse text-left">
        <thead>
          <tr className="border-b border-border text-subtle">
            <th scope="col" className="py-1.5 pr-3 font-medium">
              First gateway
            </th>
            <th scope="col" className="w-2/5 py-1.5 font-medium max-sm:hidden" aria-hidden />
            <th scope="col" className="py-1.5 pl-3 text-right font-medium">
              Now
            </th>
            <th scope="col" className="py-1.5 pl-3 text-right font-medium">
              Then
            </th>
          </tr>
        </thead>
        <tbody>
          {trial.gateways.map((each) => (
            <tr key={each.gateway_id} className="border-b border-border last:border-b-0">
              <th scope="row" dir="auto" className="py-2 pr-3 font-normal break-words">
                {name(each.gateway_id)}
              </th>
              <td aria-hidden className="py-2 max-sm:hidden">
                <div className="h-1.5 rounded bg-subtle/50" style={{ width: `${(100 * each.before) / most}%` }} />
                <div className="mt-1 h-1.5 rounded bg-primary" style={{ width: `${(100 * each.after) / most}%` }} />
              </td>
              <td className="numeric py-2 pl-3 text-right">{count(each.before)}</td>
              <td className="numeric py-2 pl-3 text-right font-medium">{count(each.after)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <div>
        <p className="font-medium">Payments by rule</p>
        <ul className="mt-1 grid gap-1">
          {trial.rules.map((each) => (
            <li key={each.rule ?? ""} className="flex justify-between gap-4">
              <span dir="auto" className="min-w-0 break-words">
                {each.rule ?? <span className="text-subtle">No rule fits</span>}
              </span>
              <span className="numeric">{count(each.payments)}</span>
            </li>
          ))}
        </ul>
      </div>
      {trial.examples.length > 0 && (
        <details>
          <summary className="cursor-pointer font-medium">
            Payments that would move ({trial.examples.length} shown)
          </summary>
          <ul className="mt-2 grid gap-2">
            {trial.examples.map((each) => (
              <li key={each.payment_id} className="min-w-0 break-words">
                <Link
                  to={`/payments/${each.payment_id}` as string}
                  className="font-mono text-xs break-all text-primary hover:underline"
                >
                  {each.payment_id}
                </Link>{" "}
                <span className="text-subtle">
                  {each.before.map(name).join(", ") || "no gateway"} → {each.after.map(name).join(", ") || "no gateway"}
                  {each.rule && <> (by “{each.rule}”)</>}
                </span>
              </li>
            ))}
          </ul>
        </details>
      )}
      {trial.not_asked.length > 0 && (
        <p className="rounded-lg bg-warning-soft px-3 py-2 text-warning">
          Past payments do not say: {trial.not_asked.map(fieldName).join(", ")}. Rules that ask this did not fit here,
          and may fit then.
        </p>
      )}
    </div>
  );
}

function fieldName(field: string): string {
  return FIELDS[field as keyof typeof FIELDS]?.label.toLowerCase() ?? named(field).toLowerCase();
}
