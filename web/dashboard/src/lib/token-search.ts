import { one } from "@/lib/search";

/** Reads `?token=` of the links in e-mails. */
export function tokenSearch(search: Record<string, unknown>): { token: string } {
  return { token: one(search.token as string | string[] | undefined) ?? "" };
}
