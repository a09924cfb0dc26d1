import { Plus, Search as SearchIcon, X } from "lucide-react";
import { Popover } from "radix-ui";
import { type FormEvent, useEffect, useState } from "react";
import { money, toDecimal, toMinor } from "@/lib/money";
import { many, one, type Search } from "@/lib/search";
import { endOfDay, startOfDay } from "@/lib/time";
import { Button } from "@/ui/button";
import { Field, Input } from "@/ui/field";
import { Menu, MenuItem } from "@/ui/menu";

/** One filter of a list: which parameters of the address it owns, and how it is entered. */
export type Filter =
  | { kind: "choices"; key: string; label: string; options: [value: string, label: string][]; single?: boolean }
  | { kind: "text"; key: string; label: string; hint?: string; placeholder?: string }
  | { kind: "dates"; label: string; from: string; to: string }
  | { kind: "amount"; label: string };

export function keysOf(filter: Filter): string[] {
  if (filter.kind === "dates") return [filter.from, filter.to];
  if (filter.kind === "amount") return ["currency", "amount_min", "amount_max"];
  return [filter.key];
}

const day = new Intl.DateTimeFormat(undefined, { year: "numeric", month: "short", day: "numeric" });

function shownDay(text: string | undefined, minusMs = 0): string | null {
  return text ? day.format(new Date(new Date(text).getTime() - minusMs)) : null;
}

/** What a filter is set to, in words; null when it is not set. */
export function described(filter: Filter, search: Search): string | null {
  if (filter.kind === "choices") {
    const chosen = many(search[filter.key]);
    const names = chosen.map((value) => filter.options.find(([each]) => each === value)?.[1] ?? value);
    return names.length ? names.join(", ") : null;
  }
  if (filter.kind === "dates") {
    const from = shownDay(one(search[filter.from]));
    const to = shownDay(one(search[filter.to]), 1);
    if (!from && !to) return null;
    return from && to ? (from === to ? from : `${from} – ${to}`) : from ? `from ${from}` : `until ${to}`;
  }
  if (filter.kind === "amount") {
    const currency = one(search.currency);
    if (!currency) return null;
    const [least, most] = [one(search.amount_min), one(search.amount_max)];
    const text = (minor: string) => money(Number(minor), currency);
    if (least && most) return `${text(least)} – ${text(most)}`;
    return least ? `at least ${text(least)}` : most ? `at most ${text(most)}` : currency;
  }
  return one(search[filter.key]) ?? null;
}

type Change = (change: Search) => void;

export function FilterBar({
  filters,
  search,
  onChange,
  text,
}: {
  filters: Filter[];
  search: Search;
  onChange: Change;
  text?: { key: string; placeholder: string };
}) {
  const [added, setAdded] = useState<Filter | null>(null);
  const active = filters.filter((filter) => described(filter, search) !== null);
  const shown = added && !active.includes(added) ? [...active, added] : active;
  const rest = filters.filter((filter) => !shown.includes(filter));
  return (
    <div className="max-sm:contents sm:flex sm:min-w-0 sm:flex-wrap sm:items-center sm:gap-2">
      {text && <TextSearch {...text} search={search} onChange={onChange} />}
      {shown.map((filter) => (
        <Chip
          key={filter.label}
          filter={filter}
          search={search}
          openAtFirst={filter === added}
          onClosed={() => setAdded(null)}
          onChange={onChange}
        />
      ))}
      {rest.length > 0 && (
        <Menu
          align="start"
          trigger={
            <Button size="sm" className="rounded-full border-dashed">
              <Plus aria-hidden /> Filter
            </Button>
          }
        >
          {rest.map((filter) => (
            <MenuItem key={filter.label} opens={() => setAdded(filter)}>
              {filter.label}
            </MenuItem>
          ))}
        </Menu>
      )}
      {active.length > 1 && (
        <Button
          size="sm"
          look="ghost"
          onClick={() => onChange(Object.fromEntries(filters.flatMap(keysOf).map((key) => [key, undefined])))}
        >
          Clear all
        </Button>
      )}
    </div>
  );
}

function TextSearch({ placeholder, ...rest }: { key?: string; placeholder: string; search: Search; onChange: Change }) {
  const kept = one(rest.search.search) ?? "";
  const [value, setValue] = useState(kept);
  useEffect(() => setValue(kept), [kept]);
  function submit(event: FormEvent) {
    event.preventDefault();
    rest.onChange({ search: value.trim() || undefined });
  }
  return (
    <form role="search" onSubmit={submit} className="relative w-full sm:w-72">
      <SearchIcon
        aria-hidden
        className="pointer-events-none absolute top-1/2 left-3 size-4 -translate-y-1/2 text-subtle"
      />
      <Input
        type="search"
        aria-label={placeholder}
        placeholder={placeholder}
        dir="auto"
        className="h-8 pl-9 text-[13px]"
        value={value}
        onChange={(event) => {
          setValue(event.target.value);
          if (event.target.value === "") rest.onChange({ search: undefined });
        }}
      />
    </form>
  );
}

function Chip({
  filter,
  search,
  openAtFirst,
  onClosed,
  onChange,
}: {
  filter: Filter;
  search: Search;
  openAtFirst: boolean;
  onClosed: () => void;
  onChange: Change;
}) {
  const [open, setOpen] = useState(openAtFirst);
  const value = described(filter, search);
  function close() {
    setOpen(false);
    onClosed();
  }
  return (
    <span className="inline-flex h-8 max-w-full items-center rounded-full border border-border bg-primary-soft text-[13px] text-on-primary-soft">
      <Popover.Root open={open} onOpenChange={(next) => (next ? setOpen(true) : close())}>
        <Popover.Trigger className="flex h-full min-w-0 items-center gap-1.5 rounded-full pr-1 pl-3">
          <span className="shrink-0">{filter.label}</span>
          {value && (
            <strong dir="auto" className="truncate font-semibold">
              {value}
            </strong>
          )}
        </Popover.Trigger>
        <Popover.Portal>
          <Popover.Content
            align="start"
            sideOffset={6}
            collisionPadding={8}
            aria-label={`Filter by ${filter.label}`}
            className="z-50 max-h-[70dvh] w-72 max-w-[calc(100vw-1rem)] overflow-y-auto rounded-xl border border-border bg-raised p-4 shadow-lg"
          >
            <Editor
              filter={filter}
              search={search}
              onDone={(change) => {
                if (change) onChange(change);
                close();
              }}
            />
          </Popover.Content>
        </Popover.Portal>
      </Popover.Root>
      <button
        type="button"
        aria-label={`Remove the filter ${filter.label}`}
        className="mr-1 grid size-6 place-items-center rounded-full hover:bg-background/50"
        onClick={() => {
          onChange(Object.fromEntries(keysOf(filter).map((key) => [key, undefined])));
          onClosed();
        }}
      >
        <X aria-hidden className="size-3.5" />
      </button>
    </span>
  );
}

function Editor({
  filter,
  search,
  onDone,
}: {
  filter: Filter;
  search: Search;
  onDone: (change: Search | null) => void;
}) {
  const [error, setError] = useState<string | null>(null);
  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const change = read(filter, form);
    if (typeof change === "string") setError(change);
    else onDone(change);
  }
  return (
    <form onSubmit={submit} className="grid gap-3">
      <Controls filter={filter} search={search} />
      {error && (
        <p role="alert" className="text-[13px] text-danger">
          {error}
        </p>
      )}
      <Button type="submit" look="primary" size="sm">
        Apply
      </Button>
    </form>
  );
}

function Controls({ filter, search }: { filter: Filter; search: Search }) {
  if (filter.kind === "choices") {
    const chosen = many(search[filter.key]);
    return (
      <fieldset className="grid gap-2">
        <legend className="mb-2 text-[13px] font-medium">{filter.label}</legend>
        {filter.options.map(([value, label]) => (
          <label key={value} className="flex items-center gap-2.5">
            <input
              type={filter.single ? "radio" : "checkbox"}
              name={filter.key}
              value={value}
              defaultChecked={chosen.includes(value)}
              className="size-4 accent-primary"
            />
            <span dir="auto" className="min-w-0 truncate">
              {label}
            </span>
          </label>
        ))}
      </fieldset>
    );
  }
  if (filter.kind === "dates") {
    const value = (text: string | undefined, minusMs: number) => {
      if (!text) return "";
      const moment = new Date(new Date(text).getTime() - minusMs);
      return `${moment.getFullYear()}-${String(moment.getMonth() + 1).padStart(2, "0")}-${String(moment.getDate()).padStart(2, "0")}`;
    };
    return (
      <>
        <Field label="From">
          <Input type="date" name="from" defaultValue={value(one(search[filter.from]), 0)} />
        </Field>
        <Field label="To (included)">
          <Input type="date" name="to" defaultValue={value(one(search[filter.to]), 1)} />
        </Field>
      </>
    );
  }
  if (filter.kind === "amount") {
    const currency = one(search.currency) ?? "";
    const shown = (minor: string | undefined) => (minor && currency ? toDecimal(Number(minor), currency) : "");
    return (
      <>
        <Field label="Currency" hint="Three letters, such as INR. Amounts of different currencies are not compared.">
          <Input
            name="currency"
            defaultValue={currency}
            maxLength={3}
            pattern="[A-Za-z]{3}"
            required
            className="uppercase"
          />
        </Field>
        <Field label="At least">
          <Input name="least" inputMode="decimal" defaultValue={shown(one(search.amount_min))} />
        </Field>
        <Field label="At most">
          <Input name="most" inputMode="decimal" defaultValue={shown(one(search.amount_max))} />
        </Field>
      </>
    );
  }
  return (
    <Field label={filter.label} hint={filter.hint}>
      <Input
        name={filter.key}
        dir="auto"
        defaultValue={one(search[filter.key]) ?? ""}
        placeholder={filter.placeholder}
      />
    </Field>
  );
}

/** Returns the change of the address that a filled-in filter means, or a sentence about what is wrong with it. */
export function read(filter: Filter, form: FormData): Search | string {
  const text = (name: string) => String(form.get(name) ?? "").trim();
  if (filter.kind === "choices") {
    const chosen = form.getAll(filter.key).map(String);
    return { [filter.key]: chosen.length ? chosen : undefined };
  }
  if (filter.kind === "dates") {
    const [from, to] = [text("from"), text("to")];
    if (from && to && from > to) return "The first day is after the last one.";
    return { [filter.from]: from ? startOfDay(from) : undefined, [filter.to]: to ? endOfDay(to) : undefined };
  }
  if (filter.kind === "amount") {
    const currency = text("currency").toUpperCase();
    const [least, most] = ["least", "most"].map((name) => (text(name) ? toMinor(text(name), currency) : undefined));
    if (least === null || most === null) return `This is no amount in ${currency}.`;
    if (least !== undefined && most !== undefined && least > most) return "The least amount is above the most.";
    return { currency, amount_min: least?.toString(), amount_max: most?.toString() };
  }
  return { [filter.key]: text(filter.key) || undefined };
}
