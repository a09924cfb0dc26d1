import { useMemo } from "react";
import { api } from "@/api/client";

/** The merchant's gateways, as rules and decisions name them by their ids. */
export function useGateways() {
  return api.useQuery("get", "/api/v1/gateways", { params: { query: { limit: 100 } } }, { staleTime: 300_000 });
}

/** Names a gateway; one that is not known keeps its id. */
export function useGatewayNames(): (id: string) => string {
  const { data } = useGateways();
  return useMemo(() => {
    const names = new Map(data?.data.map((each) => [each.id, each.name]));
    return (id) => names.get(id) ?? id;
  }, [data]);
}
