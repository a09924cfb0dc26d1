import type { components } from "@/api/schema";
import { count, percent } from "@/lib/money";
import { named } from "@/lib/words";
import { Status } from "@/ui/badge";
import { Card } from "@/ui/card";

type Gateway = components["schemas"]["OverviewResource"]["now"]["gateways"][number];

/** Each gateway's health and its figures of today, in the order in which they are tried. */
export function Gateways({ gateways }: { gateways: Gateway[] }) {
  return (
    <Card title="Gateways">
      {gateways.length === 0 ? (
        <p className="text-[13px] text-subtle">No gateway is connected. Payments need one.</p>
      ) : (
        <ul className="divide-y divide-border">
          {gateways.map((each) => (
            <li key={each.gateway_id} className="flex items-center justify-between gap-3 py-2.5 first:pt-0 last:pb-0">
              <div className="min-w-0">
                <p dir="auto" className="truncate font-medium">
                  {each.name}
                </p>
                <p className="text-[13px] text-subtle">
                  {named(each.kind)} · {count(each.payments)} today · {percent(each.success_rate)}
                </p>
              </div>
              {each.enabled ? <Status value={each.health} /> : <Status value="disabled" />}
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}
