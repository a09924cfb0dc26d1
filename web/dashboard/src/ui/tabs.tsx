import { Link } from "@tanstack/react-router";
import { type ReactNode, useEffect, useRef } from "react";

const TAB =
  "-mb-px border-b-2 border-transparent px-3 py-2 text-[13px] font-medium whitespace-nowrap text-subtle hover:text-foreground aria-[current=page]:border-primary aria-[current=page]:text-foreground";

/** A row of tabs. Where it is wider than the page, the chosen one is scrolled into sight. */
function Row({ label, children }: { label: string; children: ReactNode }) {
  const row = useRef<HTMLElement>(null);
  useEffect(() => {
    const chosen = row.current?.querySelector<HTMLElement>("[aria-current=page]");
    if (row.current && chosen) row.current.scrollLeft = chosen.offsetLeft - row.current.clientWidth / 3;
  }, []);
  return (
    <nav ref={row} aria-label={label} className="relative flex overflow-x-auto overflow-y-hidden">
      <div className="flex w-max min-w-full shrink-0 gap-1 border-b border-border">{children}</div>
    </nav>
  );
}

/** The parts of a section, each a page with an address of its own. */
export function Tabs({ label, tabs }: { label: string; tabs: readonly (readonly [to: string, label: string])[] }) {
  return (
    <Row label={label}>
      {tabs.map(([to, text]) => (
        <Link key={to} to={to} activeOptions={{ exact: true, includeSearch: false }} className={TAB}>
          {text}
        </Link>
      ))}
    </Row>
  );
}

/** The parts of one page, chosen by `tab` in its address. */
export function Parts({
  label,
  to,
  parts,
  chosen,
}: {
  label: string;
  to: string;
  parts: readonly (readonly [tab: string, label: string])[];
  chosen: string;
}) {
  return (
    <Row label={label}>
      {parts.map(([tab, text]) => (
        <Link
          key={tab}
          to={to}
          search={{ tab } as never}
          aria-current={chosen === tab ? "page" : undefined}
          className={TAB}
        >
          {text}
        </Link>
      ))}
    </Row>
  );
}
