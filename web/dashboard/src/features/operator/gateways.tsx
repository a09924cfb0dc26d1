import { keepPreviousData } from "@tanstack/react-query";
import { useSearch } from "@tanstack/react-router";
import { Waypoints } from "lucide-react";
import { api } from "@/api/client";
import type { components } from "@/api/schema";
import { kindName } from "@/features/gateways/words";
import { List, listQuery } from "@/features/list";
import { MerchantName } from "@/features/operator/merchant-name";
import type { Column } from "@/features/table";
import { usePolling } from "@/shell/live";
import { Badge, Status } from "@/ui/badge";
import { Moment } from "@/ui/moment";
import { Empty } from "@/ui/states";

type Gateway = components["schemas"]["GatewaySummary"];

const COLUMNS: Column<Gateway>[] = [
  {
    id: "name",
    header: "Gateway",
    phone: "title",
    cell: (gateway) => (
      <span className="block max-w-64">
        <span dir="auto" className="block truncate font-medium" title={gateway.id}>
          {gateway.name}
        </span>
        <span className="block text-[13px] font-normal text-subtle">{kindName(gateway.kind)}</span>
      </span>
    ),
  },
  {
    id: "merchant",
    header: "Merchant",
    phone: "detail",
    cell: (gateway) => <MerchantName name={gateway.merchant_name} mode={gateway.mode} />,
  },
  { id: "health", header: "Health", phone: "side", cell: (gateway) => <Health gateway={gateway} /> },
  {
    id: "message",
    header: "Last check",
    phone: "detail",
    cell: (gateway) => (
      <span
        dir="auto"
        className="line-clamp-2 text-[13px] break-words text-subtle"
        title={gateway.message ?? undefined}
      >
        {gateway.message ?? "none yet"}
      </span>
    ),
  },
  {
    id: "checked",
    header: "Checked",
    align: "right",
    cell: (gateway) =>
      gateway.checked_at ? <Moment at={gateway.checked_at} /> : <span className="text-subtle">never</span>,
  },
];

function Health({ gateway }: { gateway: Gateway }) {
  if (!gateway.enabled) return <Badge>Disabled</Badge>;
  if (gateway.status === "unhealthy") return <Status value="unhealthy" />;
  if (gateway.degraded_since) return <Status value="degraded" />;
  return gateway.status === "healthy" ? <Status value="healthy" /> : <Badge>Not checked yet</Badge>;
}

/** The gateways of all merchants with their health. */
export default function Gateways() {
  const search = useSearch({ from: "/_app/operator" });
  const query = api.useQuery(
    "get",
    "/api/v1/operator/gateways",
    { params: { query: listQuery(search, []) as never } },
    { placeholderData: keepPreviousData, refetchInterval: usePolling() },
  );
  return (
    <List
      label="Gateways"
      query={query}
      search={search}
      columns={COLUMNS}
      rowId={(gateway) => gateway.id}
      empty={
        <Empty icon={<Waypoints />} title="No merchant has a gateway yet">
          Each is checked every few minutes from the moment it is connected.
        </Empty>
      }
    />
  );
}
