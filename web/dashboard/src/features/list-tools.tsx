import { type Exportable, ExportMenu } from "@/features/exports/menu";
import type { Filter } from "@/features/filters";
import { ColumnMenu, listQuery } from "@/features/list";
import { type ListPage, SavedViews } from "@/features/saved-views";
import type { Column } from "@/features/table";
import type { Search } from "@/lib/search";

/** What stands above a list: its views, its columns and its export. */
export function ListTools<Row>({
  page,
  search,
  filters,
  text,
  columns,
  hidden,
  onHidden,
  exported,
}: {
  page: ListPage;
  search: Search;
  filters: Filter[];
  /** The parameter of the search box. */
  text?: string;
  columns: Column<Row>[];
  hidden: ReadonlySet<string>;
  onHidden: (hidden: ReadonlySet<string>) => void;
  exported?: Exportable;
}) {
  const { cursor: _cursor, limit: _limit, ...query } = listQuery(search, filters, text ? [text] : []);
  return (
    <>
      <SavedViews page={page} search={search} columns={columns} hidden={hidden} onHidden={onHidden} />
      <ColumnMenu columns={columns} hidden={hidden} onChange={onHidden} />
      {exported && <ExportMenu list={exported} query={query} />}
    </>
  );
}
