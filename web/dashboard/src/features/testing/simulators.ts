import { useQuery } from "@tanstack/react-query";
import { raw } from "@/api/raw";
import type { components } from "@/api/schema";

type Gateways = { data: components["schemas"]["GatewayResource"][] };

/** The enabled gateways of this merchant that are the simulator. */
export function useSimulators() {
  return useQuery({
    queryKey: ["test", "simulators"],
    queryFn: async () => {
      const { data } = await raw<Gateways>("GET", "/gateways?limit=100");
      return data.filter((each) => each.kind === "simulator" && each.enabled);
    },
  });
}
