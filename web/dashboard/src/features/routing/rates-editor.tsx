import type { components } from "@/api/schema";
import { ValueInput } from "@/features/routing/values";
import { Checkbox } from "@/ui/field";

type Rates = components["schemas"]["SuccessRate"];

const USUAL: Rates = { window_s: 3_600, samples_min: 30, drop: 30, explore_percent: 5 };
const FIELDS: [keyof Rates, string, string][] = [
  ["window_s", "Seconds that count", "Payments created in these last seconds"],
  ["samples_min", "Payments needed", "With fewer, nothing changes"],
  ["drop", "Points below the best", "A gateway this far below is put last"],
  ["floor", "Lowest rate in percent", "Empty: only the others are compared with"],
  ["explore_percent", "Percent that explore", "They go to a gateway that is put last"],
];

/** Whether success rates may change the order of gateways, and from when on. */
export function RatesEditor({ rates, onChange }: { rates: Rates | null; onChange: (rates: Rates | null) => void }) {
  return (
    <div className="grid gap-3">
      <Checkbox
        label="Put a gateway last while its approvals break down"
        hint="By method and currency, from your own payments. A share of payments still tries it, so that a recovery is seen."
        checked={rates !== null}
        onChange={(event) => onChange(event.target.checked ? USUAL : null)}
      />
      {rates && (
        <div className="grid gap-3 sm:grid-cols-3">
          {FIELDS.map(([name, label, hint]) => (
            <ValueInput
              key={name}
              label={label}
              hint={hint}
              place={`success_rate.${name}`}
              value={(rates[name] ?? null) as number | null}
              show={(value) => (value === null ? "" : String(value))}
              read={(text) => (/^\d+$/.test(text.trim()) ? Number(text) : null)}
              onChange={(value) => onChange({ ...rates, [name]: value })}
              inputMode="numeric"
            />
          ))}
        </div>
      )}
    </div>
  );
}
