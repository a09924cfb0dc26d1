import { Link } from "@tanstack/react-router";
import {
  columnVisibilityFeature,
  createColumnHelper,
  type RowData,
  rowSelectionFeature,
  tableFeatures,
  useTable,
} from "@tanstack/react-table";
import { type ReactNode, useMemo } from "react";
import { cn } from "@/lib/cn";
import { usePhone } from "@/lib/use-media";

const features = tableFeatures({ columnVisibilityFeature, rowSelectionFeature });

export type Column<Row> = {
  id: string;
  header: string;
  /** Null: the row has no such value. A table then shows a dash, and the card of a phone leaves it out. */
  cell: (row: Row) => ReactNode;
  align?: "right";
  /** Where it stands in the card of a row on a phone; left out there without it. "line": a line of its own. */
  phone?: "title" | "side" | "line" | "detail";
  hiddenAtFirst?: boolean;
};

export type Selection = { ids: ReadonlySet<string>; onChange: (ids: ReadonlySet<string>) => void };

type Props<Row> = {
  label: string;
  rows: Row[];
  columns: Column<Row>[];
  hidden?: ReadonlySet<string>;
  rowId: (row: Row) => string;
  /** Where a row leads; its first cell is the link, and the whole row takes the click. */
  rowTo?: ((row: Row) => string) | undefined;
  selection?: Selection | undefined;
};

/** A list as a table, or as cards where there is no room for one. */
export function DataTable<Row extends RowData>(props: Props<Row>) {
  return usePhone() ? <Cards {...props} /> : <Rows {...props} />;
}

function RowLink({ to, children }: { to: string; children: ReactNode }) {
  return (
    <Link
      to={to}
      data-row-link
      className="outline-none after:absolute after:inset-0 after:content-[''] focus-visible:after:rounded-md focus-visible:after:outline-2 focus-visible:after:-outline-offset-2 focus-visible:after:outline-ring"
    >
      {children}
    </Link>
  );
}

function toggled(ids: ReadonlySet<string>, id: string): ReadonlySet<string> {
  const next = new Set(ids);
  if (!next.delete(id)) next.add(id);
  return next;
}

function Rows<Row extends RowData>({ label, rows, columns, hidden, rowId, rowTo, selection }: Props<Row>) {
  const defined = useMemo(() => {
    const helper = createColumnHelper<typeof features, Row>();
    return columns.map((column) => helper.display({ id: column.id, header: column.header }));
  }, [columns]);
  const table = useTable({
    features,
    columns: defined,
    data: rows,
    getRowId: rowId,
    state: {
      columnVisibility: Object.fromEntries(columns.map((column) => [column.id, !hidden?.has(column.id)])),
      rowSelection: Object.fromEntries([...(selection?.ids ?? [])].map((id) => [id, true])),
    },
  });
  const right = new Set(columns.filter((column) => column.align === "right").map((column) => column.id));
  // Called, not rendered as a component: a page may create its columns at each render. As components, React would then
  // replace their elements each time, also the button that has the focus.
  const content = (id: string, row: Row) =>
    columns.find((column) => column.id === id)?.cell(row) ?? <span className="text-subtle">–</span>;
  const all = rows.length > 0 && rows.every((row) => selection?.ids.has(rowId(row)));
  return (
    <div className="overflow-x-auto">
      <table className="w-full border-collapse text-left" aria-label={label}>
        <thead>
          {table.getHeaderGroups().map((group) => (
            <tr key={group.id} className="border-y border-border bg-background/60 text-[13px] text-subtle">
              {selection && (
                <th className="w-10 py-2 pl-4 sm:pl-5">
                  <input
                    type="checkbox"
                    className="block size-4 accent-primary"
                    aria-label="Select all rows of this page"
                    checked={all}
                    onChange={() => selection.onChange(all ? new Set() : new Set(rows.map(rowId)))}
                  />
                </th>
              )}
              {group.headers.map((header) => (
                <th
                  key={header.id}
                  scope="col"
                  className={cn(
                    "px-3 py-2 font-medium whitespace-nowrap first:pl-5 last:pr-5",
                    right.has(header.column.id) && "text-right",
                  )}
                >
                  <table.FlexRender header={header} />
                </th>
              ))}
            </tr>
          ))}
        </thead>
        <tbody>
          {table.getRowModel().rows.map((row) => (
            <tr key={row.id} className="group relative border-b border-border last:border-b-0 hover:bg-muted/60">
              {selection && (
                <td className="relative z-10 w-10 py-2.5 pl-4 sm:pl-5">
                  <input
                    type="checkbox"
                    className="block size-4 accent-primary"
                    aria-label={`Select ${row.id}`}
                    checked={selection.ids.has(row.id)}
                    onChange={() => selection.onChange(toggled(selection.ids, row.id))}
                  />
                </td>
              )}
              {row.getVisibleCells().map((cell, index) => (
                <td
                  key={cell.id}
                  className={cn(
                    "max-w-72 px-3 py-2.5 first:pl-5 last:pr-5",
                    // A name in Arabic stands at the left like the others of its column; its letters run as they should.
                    right.has(cell.column.id) ? "text-right" : "[&_[dir=auto]]:text-left",
                  )}
                >
                  {index === 0 && rowTo ? (
                    <RowLink to={rowTo(row.original)}>{content(cell.column.id, row.original)}</RowLink>
                  ) : (
                    content(cell.column.id, row.original)
                  )}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Cards<Row extends RowData>({ label, rows, columns, rowId, rowTo }: Props<Row>) {
  const of = (place: Column<Row>["phone"], row: Row) =>
    columns
      .filter((column) => column.phone === place)
      .map((column) => ({ id: column.id, content: column.cell(row) }))
      .filter(({ content }) => content !== null);
  return (
    <ul aria-label={label} className="divide-y divide-border border-t border-border">
      {rows.map((row) => {
        const title = of("title", row).map(({ id, content }) => <span key={id}>{content}</span>);
        return (
          <li key={rowId(row)} className="relative px-4 py-3 active:bg-muted [&_[dir=auto]]:text-left">
            <div className="flex items-start justify-between gap-3">
              <div className="min-w-0 font-medium">{rowTo ? <RowLink to={rowTo(row)}>{title}</RowLink> : title}</div>
              <div className="shrink-0 text-[13px] text-subtle">
                {of("side", row).map(({ id, content }) => (
                  <span key={id}>{content}</span>
                ))}
              </div>
            </div>
            {of("line", row).map(({ id, content }) => (
              <div key={id} className="mt-1 min-w-0 truncate">
                {content}
              </div>
            ))}
            <div className="mt-1 flex min-w-0 flex-wrap items-center gap-x-3 gap-y-0.5 text-[13px] text-subtle">
              {of("detail", row).map(({ id, content }) => (
                <span key={id} className="max-w-full min-w-0 truncate">
                  {content}
                </span>
              ))}
            </div>
          </li>
        );
      })}
    </ul>
  );
}
