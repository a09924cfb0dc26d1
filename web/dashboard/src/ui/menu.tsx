import { DropdownMenu as Radix } from "radix-ui";
import { createContext, type ReactNode, type RefObject, useContext, useRef } from "react";
import { cn } from "@/lib/cn";

/** What opens when the menu is gone. */
const Next = createContext<RefObject<(() => void) | null>>({ current: null });

export function Menu({
  trigger,
  children,
  align = "end",
}: {
  trigger: ReactNode;
  children: ReactNode;
  align?: "start" | "end";
}) {
  const next = useRef<(() => void) | null>(null);
  return (
    <Radix.Root modal={false}>
      <Radix.Trigger asChild>{trigger}</Radix.Trigger>
      <Radix.Portal>
        <Radix.Content
          align={align}
          sideOffset={6}
          collisionPadding={8}
          onCloseAutoFocus={(event) => {
            if (!next.current) return;
            event.preventDefault();
            next.current();
            next.current = null;
          }}
          className="z-50 max-h-[70dvh] min-w-52 max-w-[calc(100vw-1rem)] overflow-y-auto rounded-xl border border-border bg-raised p-1 shadow-lg data-[state=open]:animate-in data-[state=open]:fade-in"
        >
          <Next value={next}>{children}</Next>
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

const ITEM =
  "flex w-full cursor-pointer items-center gap-2.5 rounded-lg px-2.5 py-2 text-left outline-none data-[highlighted]:bg-muted data-[disabled]:opacity-50 [&_svg]:size-4 [&_svg]:shrink-0 [&_svg]:text-subtle";

export function MenuItem({
  children,
  onSelect,
  opens,
  asChild,
  className,
}: {
  children: ReactNode;
  onSelect?: () => void;
  /** Opens what takes the focus, such as a dialog: a menu that is still there would take the focus back. */
  opens?: () => void;
  asChild?: boolean;
  className?: string;
}) {
  const next = useContext(Next);
  function select() {
    next.current = opens ?? null;
    onSelect?.();
  }
  return (
    <Radix.Item className={cn(ITEM, className)} onSelect={select} asChild={asChild ?? false}>
      {children}
    </Radix.Item>
  );
}

export function MenuCheck({
  children,
  checked,
  onChange,
}: {
  children: ReactNode;
  checked: boolean;
  onChange: (on: boolean) => void;
}) {
  return (
    <Radix.CheckboxItem
      className={ITEM}
      checked={checked}
      onCheckedChange={onChange}
      onSelect={(event) => event.preventDefault()}
    >
      <span aria-hidden className="grid size-4 place-items-center rounded border border-input text-[11px]">
        {checked ? "✓" : ""}
      </span>
      {children}
    </Radix.CheckboxItem>
  );
}

export function MenuLabel({ children }: { children: ReactNode }) {
  return <Radix.Label className="px-2.5 pt-2 pb-1 text-xs font-medium text-subtle">{children}</Radix.Label>;
}

export function MenuSeparator() {
  return <Radix.Separator className="my-1 h-px bg-border" />;
}
