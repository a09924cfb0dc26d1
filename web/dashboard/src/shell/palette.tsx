import { useNavigate } from "@tanstack/react-router";
import { Command } from "cmdk";
import { ArrowRight, Moon, Search, Shuffle, Sun } from "lucide-react";
import { Dialog as Radix } from "radix-ui";
import { useState } from "react";
import { placeOf } from "@/lib/ids";
import { applyTheme } from "@/lib/theme";
import { useSession } from "@/session";
import { visibleGroups } from "@/shell/navigation";
import { useOpener } from "@/ui/use-opener";

/** Finds pages by name, and whatever a pasted id or e-mail address names. */
export default function Palette({ onClose }: { onClose: () => void }) {
  const { can, mode, me, membership, merchant, switchTo } = useSession();
  const navigate = useNavigate();
  const giveBack = useOpener(true);
  const [text, setText] = useState("");
  const place = placeOf(text);
  const other = membership?.merchants.find((each) => each.id !== merchant?.id);

  function go(to: string) {
    onClose();
    void navigate({ href: to } as never);
  }
  function act(what: () => void) {
    onClose();
    what();
  }

  const item =
    "flex cursor-pointer items-center gap-3 rounded-lg px-3 py-2.5 data-[selected=true]:bg-muted [&_svg]:size-4 [&_svg]:text-subtle";
  return (
    <Radix.Root open onOpenChange={(open) => !open && onClose()}>
      <Radix.Portal>
        <Radix.Overlay className="fixed inset-0 z-40 bg-black/45" />
        <Radix.Content
          aria-describedby={undefined}
          onCloseAutoFocus={giveBack}
          className="fixed inset-x-3 top-[12dvh] z-50 mx-auto max-w-xl overflow-hidden rounded-2xl border border-border bg-raised shadow-2xl"
        >
          <Radix.Title className="sr-only">Find</Radix.Title>
          <Command label="Find" shouldFilter={place === null}>
            <div className="flex items-center gap-3 border-b border-border px-4">
              <Search aria-hidden className="size-4 text-subtle" />
              <Command.Input
                autoFocus
                value={text}
                onValueChange={setText}
                placeholder="A page, an id such as pay_…, an e-mail address"
                className="h-13 w-full bg-transparent text-base outline-none placeholder:text-subtle"
              />
            </div>
            <Command.List className="max-h-[55dvh] overflow-y-auto p-2">
              <Command.Empty className="px-3 py-6 text-center text-[13px] text-subtle">
                Nothing has this name. Paste a whole id, or search in Transactions.
              </Command.Empty>
              {place && (
                <Command.Item value="place" className={item} onSelect={() => go(place)}>
                  <ArrowRight aria-hidden /> Open <code className="truncate font-mono text-[13px]">{text.trim()}</code>
                </Command.Item>
              )}
              {text.trim() && can("payments:read") && (
                <Command.Item
                  value={`search ${text}`}
                  className={item}
                  onSelect={() => go(`/payments?search=${encodeURIComponent(text.trim())}`)}
                >
                  <Search aria-hidden /> Search transactions for “{text.trim()}”
                </Command.Item>
              )}
              {place === null &&
                visibleGroups({ can, mode, isOperator: me.is_operator })
                  .flatMap((group) => group.places)
                  .map((each) => (
                    <Command.Item key={each.to} value={each.label} className={item} onSelect={() => go(each.to)}>
                      <each.icon aria-hidden /> {each.label}
                    </Command.Item>
                  ))}
              {place === null && (
                <>
                  {other && (
                    <Command.Item
                      value={`Switch to ${other.mode} mode`}
                      className={item}
                      onSelect={() => act(() => switchTo(other.id))}
                    >
                      <Shuffle aria-hidden /> Switch to {other.mode} mode
                    </Command.Item>
                  )}
                  <Command.Item value="Light theme" className={item} onSelect={() => act(() => applyTheme("light"))}>
                    <Sun aria-hidden /> Light theme
                  </Command.Item>
                  <Command.Item value="Dark theme" className={item} onSelect={() => act(() => applyTheme("dark"))}>
                    <Moon aria-hidden /> Dark theme
                  </Command.Item>
                </>
              )}
            </Command.List>
          </Command>
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}
