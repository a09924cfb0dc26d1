import { useNavigate } from "@tanstack/react-router";
import { ChevronLeft, ChevronRight } from "lucide-react";
import { useRef } from "react";
import { cn } from "@/lib/cn";
import { one, type Search } from "@/lib/search";
import { Button } from "@/ui/button";

export const PAGE_SIZE = 50;

/** The page of a list, in the address: its cursor, and the way to older rows and back. name: of the parameter. */
export function usePager(search: Search, name = "cursor") {
  const navigate = useNavigate();
  const before = useRef<(string | undefined)[]>([]);
  const cursor = one(search[name]);

  function turn(to: string | undefined) {
    void navigate({ to: ".", search: { ...search, [name]: to } } as never);
    window.scrollTo({ top: 0 });
  }
  return {
    cursor,
    older: (next: string | null | undefined) => {
      before.current.push(cursor);
      turn(next ?? undefined);
    },
    newer: () => turn(before.current.pop()),
    /** After the filters changed, the pages before are those of another list. */
    forget: () => {
      before.current = [];
    },
  };
}

/** The buttons to newer and older rows, or as `words` call them; nothing, where one page holds all. */
export function Pager({
  pager,
  page,
  isTurning = false,
  label = "Pages",
  words: [back, on] = ["Newer", "Older"],
  className,
}: {
  pager: ReturnType<typeof usePager>;
  page: { next_cursor: string | null } | undefined;
  isTurning?: boolean | undefined;
  label?: string;
  words?: readonly [back: string, on: string];
  className?: string;
}) {
  if (!pager.cursor && !page?.next_cursor) return null;
  return (
    <nav aria-label={label} className={cn("flex items-center justify-between gap-3 border-t border-border", className)}>
      <Button size="sm" disabled={!pager.cursor} onClick={pager.newer}>
        <ChevronLeft aria-hidden /> {back}
      </Button>
      <span className="text-[13px] text-subtle">{PAGE_SIZE} a page</span>
      <Button size="sm" disabled={!page?.next_cursor || isTurning} onClick={() => pager.older(page?.next_cursor)}>
        {on} <ChevronRight aria-hidden />
      </Button>
    </nav>
  );
}
