import { X } from "lucide-react";
import { useProblem } from "@/features/routing/problems";
import { type Condition, type ConditionOf, DAYS, FIELDS } from "@/features/routing/program";
import { Choices, ValueInput } from "@/features/routing/values";
import { COMPARED, DAY_NAMES } from "@/features/routing/words";
import { toDecimal, toMinor } from "@/lib/money";
import { named } from "@/lib/words";
import { Button } from "@/ui/button";
import { Field, Input, Select } from "@/ui/field";

type Change<C> = (condition: C) => void;
type Props<C> = { condition: C; place: string; onChange: Change<C> };

const METHODS = ["upi", "card", "netbanking", "wallet"] as const;
const BRANDS = ["visa", "mastercard", "amex", "discover", "diners", "jcb", "unionpay", "rupay"] as const;
const CAPTURES = ["automatic", "manual"] as const;

function options<T extends string>(values: readonly T[]): [T, string][] {
  return values.map((value) => [value, named(value)]);
}

/** One condition: what is asked of a payment, how it is compared, and with what. */
export function ConditionEditor({ condition, place, onChange, onRemove }: Props<Condition> & { onRemove: () => void }) {
  return (
    <div className="grid items-start gap-3 rounded-lg border border-border p-3 sm:grid-cols-[11rem_minmax(0,1fr)_auto]">
      <div className="flex items-end gap-2">
        <Field label="Asks" className="min-w-0 flex-1">
          <Select
            value={condition.field}
            onChange={(event) => onChange(FIELDS[event.target.value as Condition["field"]].fresh())}
          >
            {Object.entries(FIELDS).map(([field, { label }]) => (
              <option key={field} value={field}>
                {label}
              </option>
            ))}
          </Select>
        </Field>
        <Remove onRemove={onRemove} label={FIELDS[condition.field].label} className="sm:hidden" />
      </div>
      <Values condition={condition} place={place} onChange={onChange} />
      <Remove onRemove={onRemove} label={FIELDS[condition.field].label} className="mt-6 max-sm:hidden" />
    </div>
  );
}

function Remove({ onRemove, label, className }: { onRemove: () => void; label: string; className: string }) {
  return (
    <Button
      look="ghost"
      size="icon"
      aria-label={`Remove the condition ${label}`}
      onClick={onRemove}
      className={className}
    >
      <X aria-hidden />
    </Button>
  );
}

function Values({ condition, place, onChange }: Props<Condition>) {
  switch (condition.field) {
    case "amount":
      return <Amount condition={condition} place={place} onChange={onChange} />;
    case "time":
      return <Time condition={condition} place={place} onChange={onChange} />;
    case "moment":
      return <Moment condition={condition} place={place} onChange={onChange} />;
    default:
      return <Listed condition={condition} place={place} onChange={onChange} />;
  }
}

type ListCondition = Exclude<Condition, ConditionOf<"amount"> | ConditionOf<"time"> | ConditionOf<"moment">>;

function Listed({ condition, place, onChange }: Props<ListCondition>) {
  const change = (part: Partial<ListCondition>) => onChange({ ...condition, ...part } as ListCondition);
  return (
    <div className="grid min-w-0 gap-3">
      {condition.field === "note" && (
        <ValueInput
          label="Key of the note"
          place={`${place}.key`}
          value={condition.key}
          show={(key) => key}
          read={(text) => text}
          onChange={(key) => change({ key } as never)}
          dir="auto"
        />
      )}
      <Field label="Is" className="sm:max-w-40">
        <Select value={condition.is} onChange={(event) => change({ is: event.target.value as ListCondition["is"] })}>
          <option value="one_of">one of</option>
          <option value="none_of">none of</option>
        </Select>
      </Field>
      <ListValues condition={condition} place={`${place}.value`} onChange={(value) => change({ value } as never)} />
    </div>
  );
}

const TEXTS: Readonly<Record<string, { label: string; hint: string; placeholder: string; upper?: boolean }>> = {
  currency: {
    label: "Currencies",
    hint: "Three letters each, separated by commas.",
    placeholder: "INR, USD",
    upper: true,
  },
  country: {
    label: "Countries",
    hint: "Two letters each, as the payment names the customer's country.",
    placeholder: "IN, DE",
    upper: true,
  },
  card_bin: {
    label: "First digits",
    hint: "4 to 8 digits each. A card token says nothing of them, so such a payment does not fit.",
    placeholder: "4111, 601100",
  },
  customer: { label: "Customer ids", hint: "Your own ids, separated by commas.", placeholder: "cust_42" },
  note: { label: "Values", hint: "Separated by commas.", placeholder: "wholesale" },
};

function ListValues({
  condition,
  place,
  onChange,
}: {
  condition: ListCondition;
  place: string;
  onChange: (value: string[]) => void;
}) {
  const fixed = { label: "Of", place, onChange };
  if (condition.field === "method") return <Choices {...fixed} options={options(METHODS)} value={condition.value} />;
  if (condition.field === "card_brand") return <Choices {...fixed} options={options(BRANDS)} value={condition.value} />;
  if (condition.field === "capture_method")
    return <Choices {...fixed} options={options(CAPTURES)} value={condition.value} />;
  const { label, hint, placeholder, upper } = TEXTS[condition.field]!;
  return (
    <ValueInput
      key={condition.field}
      label={label}
      hint={hint}
      placeholder={placeholder}
      place={place}
      value={condition.value}
      show={(values) => values.join(", ")}
      read={(text) =>
        (upper ? text.toUpperCase() : text)
          .split(",")
          .map((each) => each.trim())
          .filter(Boolean)
      }
      onChange={onChange}
      dir={upper || condition.field === "card_bin" ? "ltr" : "auto"}
    />
  );
}

function Amount({ condition, place, onChange }: Props<ConditionOf<"amount">>) {
  return (
    <div className="grid min-w-0 grid-cols-2 gap-3 sm:grid-cols-3">
      <Field label="Is" className="col-span-2 sm:col-span-1">
        <Select
          value={condition.is}
          onChange={(event) => onChange({ ...condition, is: event.target.value as typeof condition.is })}
        >
          {Object.entries(COMPARED).map(([is, words]) => (
            <option key={is} value={is}>
              {words}
            </option>
          ))}
        </Select>
      </Field>
      <ValueInput
        label="Amount"
        place={`${place}.value`}
        value={condition.value as number | null}
        show={(value) => (value === null ? "" : toDecimal(value, condition.currency))}
        read={(text) => toMinor(text, condition.currency)}
        onChange={(value) => onChange({ ...condition, value: value as number })}
        inputMode="decimal"
      />
      <ValueInput
        label="Currency"
        place={`${place}.currency`}
        value={condition.currency}
        show={(currency) => currency}
        read={(text) => text.trim().toUpperCase().slice(0, 3)}
        onChange={(currency) =>
          onChange({
            ...condition,
            currency,
            // The amount that is shown stays; its minor units follow the currency.
            value:
              condition.value === null
                ? condition.value
                : (toMinor(toDecimal(condition.value, condition.currency), currency) as number),
          })
        }
      />
      <p className="col-span-full text-[13px] text-subtle">A payment in another currency does not fit.</p>
    </div>
  );
}

function Time({ condition, place, onChange }: Props<ConditionOf<"time">>) {
  return (
    <div className="grid min-w-0 gap-3">
      <Choices
        label="On"
        place={`${place}.days`}
        options={DAYS.map((day) => [day, DAY_NAMES[day]] as const)}
        value={condition.days}
        onChange={(days) => onChange({ ...condition, days })}
      />
      <div className="grid grid-cols-2 gap-3 sm:grid-cols-[7rem_7rem_minmax(0,1fr)]">
        <Field label="From" error={useProblem(`${place}.from`)}>
          <Input
            type="time"
            required
            value={condition.from}
            onChange={(event) => onChange({ ...condition, from: event.target.value })}
          />
        </Field>
        <Field label="Until" error={useProblem(`${place}.to`)}>
          <Input
            type="time"
            value={condition.to ?? ""}
            onChange={(event) => onChange({ ...condition, to: event.target.value || null })}
          />
        </Field>
        <ValueInput
          label="Time zone"
          className="col-span-2 sm:col-span-1"
          place={`${place}.zone`}
          value={condition.zone}
          show={(zone) => zone}
          read={(text) => text.trim()}
          onChange={(zone) => onChange({ ...condition, zone })}
          placeholder="Asia/Kolkata"
          dir="ltr"
        />
      </div>
      <p className="text-[13px] text-subtle">Until the end of the day without “Until”. A window may pass midnight.</p>
    </div>
  );
}

function Moment({ condition, place, onChange }: Props<ConditionOf<"moment">>) {
  return (
    <div className="grid min-w-0 gap-3 sm:grid-cols-[9rem_minmax(0,16rem)]">
      <Field label="Is">
        <Select
          value={condition.is}
          onChange={(event) => onChange({ ...condition, is: event.target.value as typeof condition.is })}
        >
          <option value="from">from then on</option>
          <option value="before">before</option>
        </Select>
      </Field>
      <Field label="Moment" hint="In the time zone of this browser." error={useProblem(`${place}.value`)}>
        <Input
          type="datetime-local"
          required
          value={localInput(condition.value)}
          onChange={(event) => onChange({ ...condition, value: fromLocalInput(event.target.value) })}
        />
      </Field>
    </div>
  );
}

function localInput(moment: string): string {
  const date = new Date(moment);
  if (Number.isNaN(date.getTime())) return "";
  const two = (value: number) => String(value).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}T${two(date.getHours())}:${two(date.getMinutes())}`;
}

function fromLocalInput(text: string): string {
  const date = new Date(text);
  return Number.isNaN(date.getTime()) ? "" : date.toISOString();
}
