import { useMemo } from "react";
import { api } from "@/api/client";
import type { Filter } from "@/features/filters";
import { useSession } from "@/session";

/** The filter by one of the merchant's gateways, by name. */
export function useGatewayFilter(): Filter {
  const { can } = useSession();
  const { data } = api.useQuery(
    "get",
    "/api/v1/gateways",
    { params: { query: { limit: 100 } } },
    { enabled: can("gateways:read"), staleTime: 300_000 },
  );
  return useMemo(
    () => ({
      kind: "choices",
      key: "gateway_id",
      label: "Gateway",
      single: true,
      options: (data?.data ?? []).map((each): [string, string] => [each.id, each.name]),
    }),
    [data],
  );
}
