import { describe, expect, it } from "vitest";
import { cn } from "@/lib/cn";

describe("cn", () => {
  it.each([
    ["inline-grid size-6 shrink-0", "size-8 bg-raised", "inline-grid shrink-0 size-8 bg-raised"],
    [
      "h-9 px-3 max-sm:h-11 max-sm:text-base",
      "h-auto py-2 max-sm:h-auto",
      "px-3 max-sm:text-base h-auto py-2 max-sm:h-auto",
    ],
    ["px-3 py-2", "p-4", "p-4"],
    ["p-3 pr-12", "max-h-72", "p-3 pr-12 max-h-72"],
    ["max-h-[32rem] text-xs", "max-h-72 text-danger", "text-xs max-h-72 text-danger"],
    ["text-foreground", "text-subtle", "text-subtle"],
    ["bg-surface hover:bg-muted", "bg-danger-soft", "hover:bg-muted bg-danger-soft"],
    ["bg-muted/60", "bg-primary", "bg-primary"],
    ["flex", "hidden", "hidden"],
    ["[&_svg]:size-4 size-9", "size-7", "[&_svg]:size-4 size-7"],
    ["data-[state=open]:animate-in w-full", false, "data-[state=open]:animate-in w-full"],
  ])("joins %s and %s", (base, more, joined) => expect(cn(base, more)).toBe(joined));
});
