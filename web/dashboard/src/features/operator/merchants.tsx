import { keepPreviousData } from "@tanstack/react-query";
import { useSearch } from "@tanstack/react-router";
import { Building2 } from "lucide-react";
import { api } from "@/api/client";
import type { components } from "@/api/schema";
import { List, listQuery } from "@/features/list";
import { MerchantName } from "@/features/operator/merchant-name";
import type { Column } from "@/features/table";
import { Badge } from "@/ui/badge";
import { Copyable } from "@/ui/copy";
import { Moment } from "@/ui/moment";
import { Empty } from "@/ui/states";

type Merchant = components["schemas"]["MerchantSummary"];

const COLUMNS: Column<Merchant>[] = [
  {
    id: "name",
    header: "Merchant",
    phone: "title",
    cell: (merchant) => <MerchantName name={merchant.name} mode={merchant.mode} />,
  },
  {
    id: "account",
    header: "Account",
    phone: "detail",
    cell: (merchant) => (
      <span dir="auto" className="block max-w-64 truncate" title={merchant.account_id}>
        {merchant.account_name}
      </span>
    ),
  },
  {
    id: "active",
    header: "State",
    phone: "side",
    cell: (merchant) => (merchant.active ? <Badge tone="success">Active</Badge> : <Badge>Closed</Badge>),
  },
  {
    id: "id",
    header: "Id",
    phone: "detail",
    cell: (merchant) => <Copyable text={merchant.id} what="merchant id" className="max-w-56" />,
  },
  { id: "made", header: "Since", align: "right", cell: (merchant) => <Moment at={merchant.created_at} /> },
];

/** All merchants, found by name or id. */
export default function Merchants() {
  const search = useSearch({ from: "/_app/operator" });
  const query = api.useQuery(
    "get",
    "/api/v1/operator/merchants",
    { params: { query: listQuery(search, [], ["search"]) as never } },
    { placeholderData: keepPreviousData },
  );
  return (
    <List
      label="Merchants"
      query={query}
      search={search}
      text={{ key: "search", placeholder: "A name, or an id" }}
      columns={COLUMNS}
      rowId={(merchant) => merchant.id}
      empty={
        <Empty icon={<Building2 />} title="No merchant yet">
          People register a business, or you add one with <code className="font-mono">clearway merchants add</code>.
        </Empty>
      }
    />
  );
}
