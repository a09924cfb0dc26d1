import { TriangleAlert } from "lucide-react";
import { api } from "@/api/client";
import { useGatewayNames } from "@/features/gateways/names";

/** What is allowed and probably not meant: a disabled gateway, a rule that is never reached. */
export function Warnings({ program }: { program: Record<string, unknown> }) {
  const name = useGatewayNames();
  const check = api.useQuery("post", "/api/v1/routing/validate", { body: { program } });
  const said = [...(check.data?.problems ?? []), ...(check.data?.warnings ?? [])];
  if (said.length === 0) return null;
  return (
    <ul className="mb-4 grid gap-1.5 rounded-lg bg-warning-soft px-3 py-2 text-[13px] text-warning">
      {said.map((each) => (
        <li key={each} className="flex items-start gap-2">
          <TriangleAlert aria-hidden className="mt-0.5 size-4 shrink-0" />
          <span dir="auto" className="min-w-0 break-words">
            {each.replace(/^[a-z_.0-9]+: /, "").replaceAll(/gw_[0-9a-z]{26}/g, (id) => name(id))}.
          </span>
        </li>
      ))}
    </ul>
  );
}
