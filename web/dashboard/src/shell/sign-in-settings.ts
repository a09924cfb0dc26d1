import { queryOptions } from "@tanstack/react-query";
import { raw } from "@/api/raw";

export const signInSettings = queryOptions({
  queryKey: ["sign-in-settings"],
  queryFn: () => raw("GET", "/auth/settings"),
  staleTime: Number.POSITIVE_INFINITY,
});
