import { Badge } from "@/ui/badge";

/** A merchant and its mode: live money must not be mistaken for test data. */
export function MerchantName({ name, mode }: { name: string | null; mode: string | null }) {
  return (
    <span className="inline-flex max-w-full min-w-0 items-center gap-2">
      <span dir="auto" className="min-w-0 truncate">
        {name ?? "–"}
      </span>
      {mode && <Badge tone={mode === "live" ? "info" : "neutral"}>{mode}</Badge>}
    </span>
  );
}
