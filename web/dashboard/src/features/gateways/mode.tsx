import type { components } from "@/api/schema";
import { named } from "@/lib/words";
import { Badge } from "@/ui/badge";

/** Whether a gateway moves real money. */
export function ModeBadge({ mode }: { mode: components["schemas"]["Mode"] }) {
  return <Badge tone={mode === "live" ? "info" : "neutral"}>{named(mode)}</Badge>;
}
