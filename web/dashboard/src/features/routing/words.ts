import {
  at,
  type Condition,
  DAYS,
  FIELDS,
  type Output,
  type Program,
  type Rule,
  type Statement,
} from "@/features/routing/program";
import { money } from "@/lib/money";
import { fullTime } from "@/lib/time";
import { named } from "@/lib/words";

export type Names = (gatewayId: string) => string;

const either = new Intl.ListFormat("en", { type: "disjunction" });
const both = new Intl.ListFormat("en", { type: "conjunction" });

export const COMPARED: Readonly<Record<string, string>> = {
  less_than: "less than",
  at_most: "at most",
  equal: "exactly",
  at_least: "at least",
  greater_than: "more than",
};

export const DAY_NAMES: Readonly<Record<(typeof DAYS)[number], string>> = {
  mon: "Mon",
  tue: "Tue",
  wed: "Wed",
  thu: "Thu",
  fri: "Fri",
  sat: "Sat",
  sun: "Sun",
};

/** "amount is at least ₹100.00". */
export function conditionWords(condition: Condition): string {
  if (condition.field === "amount") {
    return `amount is ${COMPARED[condition.is]} ${money(condition.value, condition.currency)}`;
  }
  if (condition.field === "moment") {
    return `${condition.is === "from" ? "from" : "before"} ${fullTime(condition.value)}`;
  }
  if (condition.field === "time") {
    const days =
      condition.days.length === DAYS.length
        ? "every day"
        : `on ${both.format(condition.days.map((day) => DAY_NAMES[day]))}`;
    const hours = condition.to
      ? ` from ${condition.from} to ${condition.to}`
      : condition.from === "00:00"
        ? ""
        : ` from ${condition.from}`;
    return `${days}${hours} (${condition.zone})`;
  }
  const what = condition.field === "note" ? `note “${condition.key}”` : FIELDS[condition.field].label.toLowerCase();
  const plain =
    condition.field === "method" || condition.field === "card_brand" || condition.field === "capture_method";
  const values = condition.value.map((value) => (plain ? named(value) : value));
  const is = condition.field === "card_bin" ? "" : "is ";
  return `${what} ${condition.is === "none_of" ? `${is}none of` : is}${condition.is === "none_of" ? " " : ""}${either.format(values)}`;
}

export function statementWords(statement: Statement): string {
  const own = statement.conditions.map(conditionWords);
  const nested = statement.nested.map((each) =>
    each.conditions.length + each.nested.length > 1 ? `(${statementWords(each)})` : statementWords(each),
  );
  return [...own, ...(nested.length ? [nested.length > 1 ? `(${nested.join(" or ")})` : nested[0]!] : [])].join(
    " and ",
  );
}

/** When a rule fits: one line for each of its statements. */
export function whenWords(rule: Rule): string[] {
  return rule.statements.length === 0 ? ["Every payment that comes to it"] : rule.statements.map(statementWords);
}

export function outputWords(output: Output, name: Names): string {
  if (output.type === "single") return name(output.gateway);
  if (output.type === "priority") return output.gateways.map(name).join(", then ");
  return output.shares.map((share) => `${share.percent} % ${share.gateways.map(name).join(", then ")}`).join("; ");
}

/** `statements.0.conditions.1 (amount)` of a rule that did not fit, as the condition that the payment did not meet. */
export function lackedWords(program: Program | null, ruleName: string, place: string): string {
  const rule = program?.rules.find((each) => each.name === ruleName);
  const condition = at(rule, place.replace(/ \(.*$/, "")) as Condition | undefined;
  return condition ? conditionWords(condition) : place;
}
