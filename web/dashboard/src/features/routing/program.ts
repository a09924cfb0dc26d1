import type { components } from "@/api/schema";

type Schemas = components["schemas"];
export type Program = Schemas["Program"];
export type Rule = Schemas["Rule"];
export type Statement = Schemas["Statement"];
export type Condition = Statement["conditions"][number];
export type ConditionOf<F extends Condition["field"]> = Extract<Condition, { field: F }>;
export type Output = Rule["output"];
export type Version = Schemas["VersionResource"];

export const DEPTH_MAX = 3;
export const TRIED_MAX = 3;
export const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;

/** Each field that a rule can ask, with its name and the condition that a new one starts as. */
export const FIELDS: { [F in Condition["field"]]: { label: string; fresh: () => ConditionOf<F> } } = {
  method: { label: "Method", fresh: () => ({ field: "method", is: "one_of", value: [] }) },
  currency: { label: "Currency", fresh: () => ({ field: "currency", is: "one_of", value: [] }) },
  amount: { label: "Amount", fresh: () => ({ field: "amount", is: "at_least", value: 0, currency: "INR" }) },
  country: { label: "Country", fresh: () => ({ field: "country", is: "one_of", value: [] }) },
  card_brand: { label: "Card brand", fresh: () => ({ field: "card_brand", is: "one_of", value: [] }) },
  card_bin: { label: "Card number begins with", fresh: () => ({ field: "card_bin", is: "one_of", value: [] }) },
  customer: { label: "Customer", fresh: () => ({ field: "customer", is: "one_of", value: [] }) },
  note: { label: "Note", fresh: () => ({ field: "note", key: "", is: "one_of", value: [] }) },
  time: {
    label: "Time of day",
    fresh: () => ({ field: "time", zone: ownZone(), days: [...DAYS], from: "09:00", to: "18:00" }),
  },
  moment: { label: "Date", fresh: () => ({ field: "moment", is: "from", value: new Date().toISOString() }) },
  capture_method: { label: "Capture", fresh: () => ({ field: "capture_method", is: "one_of", value: [] }) },
};

function ownZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
}

/** The program as the editor needs it: the API leaves out what has its default. */
export function completed(document: unknown): Program {
  const given = document as Partial<Program>;
  return {
    ...given,
    rules: (given.rules ?? []).map((rule) => ({
      ...rule,
      statements: (rule.statements ?? []).map(completedStatement),
      otherwise: rule.otherwise ?? "default",
      fixed_order: rule.fixed_order ?? false,
    })),
    gateways_max: given.gateways_max ?? 2,
  };
}

function completedStatement(statement: Statement): Statement {
  return {
    conditions: (statement.conditions ?? []).map((condition) =>
      condition.field === "time"
        ? {
            ...condition,
            zone: condition.zone ?? "UTC",
            days: condition.days ?? [...DAYS],
            from: condition.from ?? "00:00",
          }
        : condition,
    ),
    nested: (statement.nested ?? []).map(completedStatement),
  };
}

/** A copy with the item at another place. */
export function movedTo<T>(items: readonly T[], from: number, to: number): T[] {
  const rest = items.filter((_, index) => index !== from);
  rest.splice(Math.max(0, Math.min(to, rest.length)), 0, items[from]!);
  return rest;
}

export function replacedAt<T>(items: readonly T[], at: number, item: T): T[] {
  return items.map((each, index) => (index === at ? item : each));
}

export function withoutAt<T>(items: readonly T[], at: number): T[] {
  return items.filter((_, index) => index !== at);
}

export type Problem = { place: string; text: string };

/**
 * Reads the API's "place: what is wrong". The API names the kind of a condition or an output in the place, as in
 * `rules.0.output.split.shares`; the document has no such step, so it is left out.
 */
export function problemsOf(problems: readonly string[], program: unknown): Problem[] {
  return problems.map((problem) => {
    const colon = problem.indexOf(": ");
    return { place: placeIn(program, problem.slice(0, colon)), text: problem.slice(colon + 2) };
  });
}

export function placeIn(document: unknown, place: string): string {
  const steps: string[] = [];
  let node = document;
  let isTagRead = false;
  for (const step of place.split(".")) {
    const object = (node ?? {}) as Record<string, unknown>;
    if (!isTagRead && (object.field === step || object.type === step)) {
      isTagRead = true;
      continue;
    }
    steps.push(step);
    node = object[step];
    isTagRead = false;
  }
  return steps.join(".");
}

/** What stands at a place such as `rules.0.statements.1`; undefined when there is nothing. */
export function at(document: unknown, place: string): unknown {
  return place
    .split(".")
    .reduce<unknown>((node, step) => (node as Record<string, unknown> | undefined)?.[step], document);
}
