import type { components } from "@/api/schema";
import { money } from "@/lib/money";
import { Status } from "@/ui/badge";
import { Prose } from "@/ui/prose";

export type TestValue = components["schemas"]["TestValue"];

const TONE: Record<TestValue["result"], string> = { approved: "success", declined: "failed", pending: "pending" };

export function keyOf(value: TestValue): string {
  return `${value.field}:${value.value}`;
}

/** How a value is written for people: card numbers in groups, amounts with their currency. */
export function shownValue(value: TestValue): string {
  if (value.field === "amount") return money(Number(value.value), "INR");
  return value.field === "card" ? value.value.replaceAll(/(\d{4})(?=\d)/g, "$1 ") : value.value;
}

/** The values of one method, each with what it does; one is chosen. */
export function ValueList({
  values,
  chosen,
  onChoose,
}: {
  values: TestValue[];
  chosen: string | null;
  onChoose: (key: string) => void;
}) {
  return (
    <fieldset className="min-w-0">
      <legend className="sr-only">Test value</legend>
      <div className="grid max-h-[26rem] grid-cols-[minmax(0,1fr)] divide-y divide-border overflow-y-auto rounded-lg border border-border">
        {values.map((value) => (
          <label
            key={keyOf(value)}
            className="flex cursor-pointer items-start gap-3 px-3 py-2.5 hover:bg-muted/60 has-checked:bg-muted"
          >
            <input
              type="radio"
              name="value"
              className="mt-1 size-4 shrink-0 accent-primary"
              checked={chosen === keyOf(value)}
              onChange={() => onChoose(keyOf(value))}
            />
            <span className="min-w-0 flex-1">
              <span className="flex flex-wrap items-center gap-x-3 gap-y-1">
                <code dir="ltr" className="font-mono text-[13px] break-all">
                  {shownValue(value)}
                </code>
                <Status value={TONE[value.result]} label={value.result} />
                {value.needs_customer && <Status value="requires_action" label="a page first" />}
              </span>
              {value.note && (
                <span className="mt-0.5 block text-[13px] text-subtle">
                  <Prose text={value.note} />
                </span>
              )}
            </span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}
