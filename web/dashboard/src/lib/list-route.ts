import type { Search } from "@/lib/search";

/** For `validateSearch` of lists: their filters are whatever the address says, as texts; the API checks them. */
export function asSearch(search: Record<string, unknown>): Search {
  return search as Search;
}
