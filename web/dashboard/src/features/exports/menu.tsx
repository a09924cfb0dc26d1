import { Download } from "lucide-react";
import { useSyncExternalStore } from "react";
import {
  cancelExport,
  currentExports,
  type Exportable,
  type FileFormat,
  onExports,
  type Query,
  startExport,
} from "@/lib/exports";
import { count, plural } from "@/lib/money";
import { toast } from "@/lib/toast";
import { Allowed, useSession } from "@/session";
import { Button } from "@/ui/button";
import { Menu, MenuItem } from "@/ui/menu";

export type { Exportable } from "@/lib/exports";

/** The exports of this tab for the merchant that is shown. */
export function useExports() {
  const { merchant } = useSession();
  const all = useSyncExternalStore(onExports, currentExports);
  return all.filter((each) => each.merchant === merchant?.id);
}

export async function exportList(list: Exportable, format: FileFormat, query: Query): Promise<void> {
  const ended = await startExport(list, format, query);
  if (ended.state === "failed") toast.error("The file could not be made", ended.error ?? "");
  if (ended.state === "saved") toast.success(ended.rows === null ? "Saved" : `${plural(ended.rows, "row")} saved`);
}

/** How far an export is, in words. */
export function progressOf({ rows, bytes }: { rows: number | null; bytes: number }): string {
  const size = bytes < 1_000_000 ? `${count(Math.ceil(bytes / 1_000))} KB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
  if (rows === null) return bytes === 0 ? "being written" : size;
  return `${plural(rows, "row")}, ${size}`;
}

/** Exports what the filters show: all pages of it. While a file comes, it says how much is there. */
export function ExportMenu({ list, query }: { list: Exportable; query: Query }) {
  const running = useExports().find((each) => each.list === list && each.state === "running");
  if (running) {
    return (
      <span role="status" className="flex items-center gap-2 text-[13px] text-subtle">
        <span className="numeric">{progressOf(running)}</span>
        <Button size="sm" onClick={() => cancelExport(running.id)}>
          Stop
        </Button>
      </span>
    );
  }
  return (
    <Allowed permission="exports:write">
      <Menu
        trigger={
          <Button size="sm">
            <Download aria-hidden /> Export
          </Button>
        }
      >
        <MenuItem onSelect={() => void exportList(list, "csv", query)}>CSV, any number of rows</MenuItem>
        <MenuItem onSelect={() => void exportList(list, "xlsx", query)}>Excel, at most 100,000 rows</MenuItem>
      </Menu>
    </Allowed>
  );
}
