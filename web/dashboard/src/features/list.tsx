import { useNavigate } from "@tanstack/react-router";
import { ArrowUp, Columns3 } from "lucide-react";
import { type ReactNode, useEffect, useState } from "react";
import { type Filter, FilterBar, keysOf } from "@/features/filters";
import { Dimmed } from "@/features/paged-list";
import { PAGE_SIZE, Pager, usePager } from "@/features/pager";
import { type Column, DataTable, type Selection } from "@/features/table";
import { cn } from "@/lib/cn";
import { many, type Search } from "@/lib/search";
import { Button } from "@/ui/button";
import { Menu, MenuCheck } from "@/ui/menu";
import { Empty, Failure, SkeletonRows } from "@/ui/states";

type PageOf<Row> = { data: Row[]; has_more: boolean; next_cursor: string | null };
type Query<Row> = {
  data: PageOf<Row> | undefined;
  error: unknown;
  isFetching: boolean;
  isPlaceholderData?: boolean;
  refetch: () => unknown;
};

/** The parameters of a list's request: its filters and its page, from the address. */
export function listQuery(search: Search, filters: Filter[], more: string[] = []): Record<string, string | string[]> {
  const query: Record<string, string | string[]> = {};
  for (const key of [...filters.flatMap(keysOf), ...more, "cursor"]) {
    const values = many(search[key]);
    if (values.length) query[key] = values.length === 1 ? values[0]! : values;
  }
  return { ...query, limit: String(PAGE_SIZE) };
}

/** Rows that do not jump: new ones wait behind a button while somebody reads further down or has selected some. */
function useSteadyRows<Row>(rows: Row[], idOf: (row: Row) => string, key: string, isBusy: boolean) {
  const [known, setKnown] = useState<{ key: string; ids: ReadonlySet<string> } | null>(null);
  const fresh = known?.key === key ? rows.filter((row) => !known.ids.has(idOf(row))) : [];
  const hold = fresh.length > 0 && (isBusy || window.scrollY > 160);
  // biome-ignore lint/correctness/useExhaustiveDependencies: idOf names the same ids whatever its identity
  useEffect(() => {
    if (!hold) setKnown({ key, ids: new Set(rows.map(idOf)) });
  }, [rows, key, hold]);
  return {
    shown: hold ? rows.filter((row) => known?.ids.has(idOf(row))) : rows,
    waiting: hold ? fresh.length : 0,
    release: () => {
      window.scrollTo({ top: 0 });
      setKnown({ key, ids: new Set(rows.map(idOf)) });
    },
  };
}

/** Which columns a person hid on a page, kept in this browser. */
export function useHiddenColumns<Row>(page: string, columns: Column<Row>[]) {
  const key = `clearway.columns.${page}`;
  const [hidden, setHidden] = useState<ReadonlySet<string>>(() => {
    try {
      const kept = localStorage.getItem(key);
      if (kept) return new Set(JSON.parse(kept) as string[]);
    } catch {
      // The usual columns.
    }
    return new Set(columns.filter((column) => column.hiddenAtFirst).map((column) => column.id));
  });
  function change(next: ReadonlySet<string>) {
    setHidden(next);
    try {
      localStorage.setItem(key, JSON.stringify([...next]));
    } catch {
      // Kept for this page only.
    }
  }
  return [hidden, change] as const;
}

export function ColumnMenu<Row>({
  columns,
  hidden,
  onChange,
}: {
  columns: Column<Row>[];
  hidden: ReadonlySet<string>;
  onChange: (hidden: ReadonlySet<string>) => void;
}) {
  return (
    <Menu
      trigger={
        <Button size="sm" className="max-sm:hidden">
          <Columns3 aria-hidden /> Columns
        </Button>
      }
    >
      {columns.slice(1).map((column) => (
        <MenuCheck
          key={column.id}
          checked={!hidden.has(column.id)}
          onChange={(on) => {
            const next = new Set(hidden);
            if (on) next.delete(column.id);
            else next.add(column.id);
            onChange(next);
          }}
        >
          {column.header}
        </MenuCheck>
      ))}
    </Menu>
  );
}

export type ListProps<Row> = {
  label: string;
  query: Query<Row>;
  search: Search;
  filters?: Filter[];
  text?: { key: string; placeholder: string };
  columns: Column<Row>[];
  hidden?: ReadonlySet<string>;
  rowId: (row: Row) => string;
  rowTo?: (row: Row) => string;
  selection?: Selection;
  /** Shown when there are no rows at all, with no filter set. */
  empty: ReactNode;
  toolbar?: ReactNode;
};

/** A page of a list: filters in the address, rows, and the way to older ones. */
export function List<Row extends object>({
  label,
  query,
  search,
  filters = [],
  text,
  columns,
  hidden,
  rowId,
  rowTo,
  selection,
  empty,
  toolbar,
}: ListProps<Row>) {
  const navigate = useNavigate();
  const pager = usePager(search);
  const { cursor } = pager;
  const rows = query.data?.data ?? [];
  const filterKeys = [...filters.flatMap(keysOf), ...(text ? [text.key] : [])];
  const hasTools = filters.length > 0 || text !== undefined || toolbar !== undefined;
  const isFiltered = filterKeys.some((key) => search[key] !== undefined);
  const steady = useSteadyRows(rows, rowId, JSON.stringify(search), (selection?.ids.size ?? 0) > 0);

  function change(to: Search) {
    pager.forget();
    void navigate({ to: ".", search: { ...search, cursor: undefined, ...to } } as never);
  }

  return (
    <section
      className={cn(
        "min-w-0 overflow-hidden rounded-xl border border-border bg-surface",
        !hasTools && "[&_thead_tr]:border-t-0 [&_ul]:border-t-0",
      )}
    >
      {hasTools && (
        <div className="flex flex-wrap items-start justify-between gap-2 px-4 py-3 sm:px-5 sm:pt-4">
          <FilterBar filters={filters} search={search} onChange={change} {...(text ? { text } : {})} />
          {toolbar && <div className="ml-auto flex flex-wrap items-center gap-2">{toolbar}</div>}
        </div>
      )}
      {query.error && query.data ? (
        <p role="alert" className="border-t border-border bg-warning-soft px-5 py-2 text-[13px] text-warning">
          The newest state could not be loaded. What you see may be old.{" "}
          <button type="button" className="underline" onClick={() => void query.refetch()}>
            Try again
          </button>
        </p>
      ) : null}
      {steady.waiting > 0 && (
        <div className="sticky top-16 z-10 flex justify-center">
          <Button look="primary" size="sm" className="absolute top-1 rounded-full shadow-lg" onClick={steady.release}>
            <ArrowUp aria-hidden /> {steady.waiting} new
          </Button>
        </div>
      )}
      {query.data === undefined ? (
        query.error ? (
          <Failure error={query.error} retry={() => void query.refetch()} />
        ) : (
          <SkeletonRows />
        )
      ) : rows.length === 0 ? (
        query.data.next_cursor ? (
          <Empty
            title="Nothing among the newer rows"
            action={
              <Button disabled={query.isPlaceholderData} onClick={() => pager.older(query.data?.next_cursor)}>
                Search older rows
              </Button>
            }
          >
            Few rows match, so only a part of the list was searched. A period in the filters makes the search shorter.
          </Empty>
        ) : isFiltered || cursor ? (
          <Empty
            title="Nothing matches"
            action={
              <Button onClick={() => change(Object.fromEntries(filterKeys.map((key) => [key, undefined])))}>
                Clear the filters
              </Button>
            }
          >
            No row has everything that the filters ask for. The other mode has data of its own.
          </Empty>
        ) : (
          empty
        )
      ) : (
        <Dimmed isOld={query.isPlaceholderData}>
          <DataTable
            label={label}
            rows={steady.shown}
            columns={columns}
            rowId={rowId}
            rowTo={rowTo}
            selection={selection}
            {...(hidden ? { hidden } : {})}
          />
        </Dimmed>
      )}
      <Pager pager={pager} page={query.data} isTurning={query.isPlaceholderData} className="px-4 py-3 sm:px-5" />
    </section>
  );
}
