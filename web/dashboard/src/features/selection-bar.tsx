import { Copy, X } from "lucide-react";
import type { components } from "@/api/schema";
import { money } from "@/lib/money";
import { toast } from "@/lib/toast";
import { Button } from "@/ui/button";

type Payment = components["schemas"]["PaymentResource"];

/** Returns what selected payments come to, one sum for each currency: currencies are never added. */
export function sums(rows: Pick<Payment, "amount" | "currency">[]): [currency: string, minor: number][] {
  const found = new Map<string, number>();
  for (const row of rows) found.set(row.currency, (found.get(row.currency) ?? 0) + row.amount);
  return [...found].sort(([left], [right]) => left.localeCompare(right));
}

/** What can be done with the selected rows, and what they come to. */
export function SelectionBar({ rows, onClear }: { rows: Payment[]; onClear: () => void }) {
  if (rows.length === 0) return null;
  async function copy() {
    await navigator.clipboard.writeText(rows.map((row) => row.id).join("\n"));
    toast.success(`${rows.length} ids copied`);
  }
  return (
    <div
      role="region"
      aria-label="Selected payments"
      className="sticky bottom-3 z-20 mx-auto flex max-w-full flex-wrap items-center gap-x-4 gap-y-2 rounded-2xl border border-border bg-raised px-4 py-2.5 shadow-xl"
    >
      <span className="font-medium">{rows.length} selected</span>
      <span className="numeric text-subtle">
        {sums(rows)
          .map(([currency, minor]) => money(minor, currency))
          .join(" · ")}
      </span>
      <Button size="sm" onClick={() => void copy()}>
        <Copy aria-hidden /> Copy ids
      </Button>
      <Button size="icon-sm" look="ghost" aria-label="Clear the selection" onClick={onClear}>
        <X />
      </Button>
    </div>
  );
}
