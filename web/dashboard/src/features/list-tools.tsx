import { type Exportable, ExportMenu } from "@/features/exports/menu";
import { ColumnMenu, List, type ListProps, listQuery, useHiddenColumns } from "@/features/list";
import { type ListPage, SavedViews } from "@/features/saved-views";

/** A list with tools above it: its views, its columns and its export. */
export function ListWithTools<Row extends object>({
  page,
  exported,
  ...list
}: Omit<ListProps<Row>, "hidden" | "toolbar"> & {
  page: ListPage;
  exported?: Exportable;
}) {
  const { search, filters = [], text, columns } = list;
  const [hidden, setHidden] = useHiddenColumns(page, columns);
  const { cursor: _cursor, limit: _limit, ...query } = listQuery(search, filters, text ? [text.key] : []);
  return (
    <List
      {...list}
      hidden={hidden}
      toolbar={
        <>
          <SavedViews page={page} search={search} columns={columns} hidden={hidden} onHidden={setHidden} />
          <ColumnMenu columns={columns} hidden={hidden} onChange={setHidden} />
          {exported && <ExportMenu list={exported} query={query} />}
        </>
      }
    />
  );
}
