import type { ReactNode } from "react";
import { cn } from "@/lib/cn";

/** A section of a page: a title, what can be done with it, and its content. */
export function Card({
  title,
  hint,
  action,
  children,
  className,
  flush,
}: {
  title?: ReactNode;
  hint?: ReactNode;
  action?: ReactNode;
  children: ReactNode;
  className?: string;
  flush?: boolean;
}) {
  return (
    <section className={cn("min-w-0 overflow-hidden rounded-xl border border-border bg-surface", className)}>
      {(title || action) && (
        <header className="flex flex-wrap items-start justify-between gap-x-4 gap-y-2 px-4 pt-4 pb-3 sm:px-5">
          <div className="min-w-0">
            <h2 className="text-[15px] font-semibold">{title}</h2>
            {hint && <p className="mt-0.5 max-w-prose text-[13px] text-pretty text-subtle">{hint}</p>}
          </div>
          {action && <div className="flex flex-wrap items-center gap-2">{action}</div>}
        </header>
      )}
      <div className={cn(!flush && "px-4 pb-4 sm:px-5 sm:pb-5", !flush && !title && !action && "pt-4 sm:pt-5")}>
        {children}
      </div>
    </section>
  );
}
