import { Dialog as Radix } from "radix-ui";
import type { ReactNode } from "react";

/** The list of pages on a phone. */
export default function Drawer({
  onClose,
  returnFocus,
  children,
}: {
  onClose: () => void;
  returnFocus: () => void;
  children: ReactNode;
}) {
  return (
    <Radix.Root open onOpenChange={(open) => !open && onClose()}>
      <Radix.Portal>
        <Radix.Overlay className="fixed inset-0 z-40 bg-black/45" />
        <Radix.Content
          aria-describedby={undefined}
          onCloseAutoFocus={(event) => {
            event.preventDefault();
            returnFocus();
          }}
          className="fixed inset-y-0 left-0 z-50 flex w-72 max-w-[85vw] flex-col border-r border-border bg-surface data-[state=open]:animate-in data-[state=open]:slide-in-from-left"
        >
          <Radix.Title className="sr-only">Menu</Radix.Title>
          {children}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}
