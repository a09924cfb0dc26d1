import { useState } from "react";
import { api } from "@/api/client";
import { percent } from "@/features/gateways/words";
import { money } from "@/lib/money";
import { named } from "@/lib/words";
import { Card } from "@/ui/card";
import { Select } from "@/ui/field";
import { Fact, Facts } from "@/ui/page";
import { Loaded } from "@/ui/states";

const PERIODS: [days: number, label: string][] = [
  [1, "24 hours"],
  [7, "7 days"],
  [30, "30 days"],
];

/** How a gateway's calls and payments went, as a whole and by method. */
export function Performance({ gatewayId }: { gatewayId: string }) {
  const [days, setDays] = useState(7);
  const [until] = useState(() => new Date());
  const since = new Date(until.getTime() - days * 86_400_000).toISOString();
  const query = api.useQuery("get", "/api/v1/gateways/{gateway_id}/performance", {
    params: { path: { gateway_id: gatewayId }, query: { since, until: until.toISOString(), by: "method" } },
  });
  return (
    <Card
      title="Performance"
      hint="Approved of what issuers decided. Technical errors are calls without a usable answer."
      action={
        <Select
          aria-label="Period"
          className="h-8 w-auto text-[13px]"
          value={days}
          onChange={(event) => setDays(Number(event.target.value))}
        >
          {PERIODS.map(([value, label]) => (
            <option key={value} value={value}>
              {label}
            </option>
          ))}
        </Select>
      }
    >
      <Loaded query={query}>
        {({ total, data }) => (
          <>
            <Facts>
              <Fact name="Approved">
                <span className="numeric font-medium">{percent(total.success_rate)}</span>{" "}
                <span className="text-[13px] text-subtle">
                  {total.approved} of {total.approved + total.declined}
                </span>
              </Fact>
              <Fact name="Technical errors">
                <span className="numeric font-medium">{percent(total.technical_error_rate)}</span>{" "}
                <span className="text-[13px] text-subtle">
                  {total.technical_errors} of {total.calls} calls
                </span>
              </Fact>
              <Fact name="Time of a call">
                <span className="numeric">
                  {total.latency_ms ? `${total.latency_ms.p50} ms, at most ${total.latency_ms.p95} ms in 95 %` : "–"}
                </span>
              </Fact>
              <Fact name="Volume">
                <span className="numeric">
                  {total.volume.map((each) => money(each.amount, each.currency)).join(", ") || "–"}
                </span>
              </Fact>
            </Facts>
            {data.length > 1 && (
              <div className="mt-4 overflow-x-auto">
                <table className="w-full text-left text-[13px]">
                  <thead>
                    <tr className="border-b border-border text-subtle">
                      <th scope="col" className="py-1.5 pr-4 font-medium">
                        Method
                      </th>
                      <th scope="col" className="py-1.5 pr-4 text-right font-medium">
                        Attempts
                      </th>
                      <th scope="col" className="py-1.5 pr-4 text-right font-medium">
                        Approved
                      </th>
                      <th scope="col" className="py-1.5 text-right font-medium">
                        Errors
                      </th>
                    </tr>
                  </thead>
                  <tbody>
                    {data.map((group) => (
                      <tr key={group.group} className="border-b border-border last:border-b-0">
                        <td className="py-1.5 pr-4">{named(group.group)}</td>
                        <td className="numeric py-1.5 pr-4 text-right">{group.attempts}</td>
                        <td className="numeric py-1.5 pr-4 text-right">{percent(group.success_rate)}</td>
                        <td className="numeric py-1.5 text-right">{percent(group.technical_error_rate)}</td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              </div>
            )}
          </>
        )}
      </Loaded>
    </Card>
  );
}
