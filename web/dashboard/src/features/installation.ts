import { api } from "@/api/client";

/** What the installation says of itself; it does not change while a page is open. */
export function useInstallation(enabled = true) {
  return api.useQuery("get", "/api/v1/installation", {}, { staleTime: Number.POSITIVE_INFINITY, enabled });
}
