import { many, type Search } from "@/lib/search";

export type Hidden = ReadonlySet<string>;
type Column = { id: string; hiddenAtFirst?: boolean };

/** The filters that an address sets, each as a list of values; the place in the list is no filter. */
export function filtersOf(search: Search): Record<string, string[]> {
  return Object.fromEntries(
    Object.entries(search)
      .filter(([key, value]) => key !== "cursor" && many(value).length > 0)
      .map(([key, value]) => [key, many(value)]),
  );
}

/** The columns that are shown, to be kept with a view; null: the usual ones. */
export function shownColumns(columns: readonly Column[], hidden: Hidden): string[] | null {
  const usual = columns.every((column) => hidden.has(column.id) === (column.hiddenAtFirst ?? false));
  return usual ? null : columns.filter((column) => !hidden.has(column.id)).map((column) => column.id);
}

/** What a view hides of the columns that there are now. */
export function hiddenColumns(columns: readonly Column[], shown: string[] | null): Hidden {
  const isHidden = (column: Column) => (shown ? !shown.includes(column.id) : (column.hiddenAtFirst ?? false));
  return new Set(columns.filter(isHidden).map((column) => column.id));
}
