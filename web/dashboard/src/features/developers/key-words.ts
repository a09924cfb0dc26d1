import type { components } from "@/api/schema";

export type ApiKey = components["schemas"]["ApiKeyResource"];

export function keyStatus(key: ApiKey, now = Date.now()): "active" | "expired" | "revoked" {
  if (key.revoked_at) return "revoked";
  return key.expires_at && new Date(key.expires_at).getTime() <= now ? "expired" : "active";
}

/** "Everything", one permission by name, or how many. */
export function scopes(permissions: string[]): string {
  if (permissions.includes("*")) return "Everything";
  return permissions.length === 1 ? (permissions[0] ?? "") : `${permissions.length} permissions`;
}
