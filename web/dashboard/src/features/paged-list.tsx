import type { ReactNode } from "react";
import { Pager, type usePager } from "@/features/pager";
import { Loaded } from "@/ui/states";

type PageOf<Row> = { data: Row[]; has_more: boolean; next_cursor: string | null };

type PageQuery<Row> = {
  data: PageOf<Row> | undefined;
  error: unknown;
  refetch: () => unknown;
  isPlaceholderData: boolean;
};

/** What is dimmed while another page loads: it is still the page before. */
export function Dimmed({ isOld = false, children }: { isOld?: boolean | undefined; children: ReactNode }) {
  return (
    <div aria-busy={isOld} className={isOld ? "opacity-60" : undefined}>
      {children}
    </div>
  );
}

/** A list that is no table, page by page: its rows, and the way to the other pages. */
export function PagedList<Row>({
  label,
  query,
  pager,
  row,
  empty,
  words,
  className = "mt-4 pt-4",
}: {
  label: string;
  query: PageQuery<Row>;
  pager: ReturnType<typeof usePager>;
  row: (row: Row) => ReactNode;
  empty?: ReactNode;
  /** Of the buttons to the page before and to the next. */
  words?: readonly [back: string, on: string];
  /** Of the buttons' bar. */
  className?: string;
}) {
  return (
    <>
      <Loaded query={query}>
        {({ data }) => (
          <Dimmed isOld={query.isPlaceholderData}>
            {data.length === 0 ? (
              empty
            ) : (
              <ul aria-label={label} className="divide-y divide-border">
                {data.map(row)}
              </ul>
            )}
          </Dimmed>
        )}
      </Loaded>
      <Pager
        pager={pager}
        page={query.data}
        isTurning={query.isPlaceholderData}
        label={`Pages of ${label.toLowerCase()}`}
        className={className}
        {...(words ? { words } : {})}
      />
    </>
  );
}
