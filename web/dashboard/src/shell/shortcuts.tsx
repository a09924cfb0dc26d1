import { useNavigate } from "@tanstack/react-router";
import { lazy, Suspense, useState } from "react";
import { useHotkeys } from "react-hotkeys-hook";
import { PALETTE_KEY } from "@/lib/keys";
import { useSession } from "@/session";
import { visibleGroups } from "@/shell/navigation";

const ShortcutsSheet = lazy(() => import("@/shell/shortcuts-sheet"));

/** `g` then a letter goes to a page, `j` and `k` walk a list, `?` shows this sheet. */
export default function Shortcuts({ onPalette }: { onPalette: () => void }) {
  const { can, mode, me } = useSession();
  const navigate = useNavigate();
  const [open, setOpen] = useState(false);
  const places = visibleGroups({ can, mode, isOperator: me.is_operator }).flatMap((group) => group.places);
  const keyed = places.filter((place) => place.key);

  useHotkeys(
    keyed.map((place) => `g>${place.key}`),
    (_event, { keys, hotkey }) => {
      const pressed = hotkey?.slice(-1) ?? keys?.at(-1);
      const place = keyed.find((each) => each.key === pressed);
      if (place) void navigate({ to: place.to });
    },
    { sequenceTimeoutMs: 1_000 },
    [keyed],
  );
  useHotkeys("shift+slash", () => setOpen(true), { useKey: false });
  useHotkeys("mod+k", onPalette, { preventDefault: true, enableOnFormTags: true });
  useHotkeys("slash", onPalette, { preventDefault: true });
  useHotkeys("j", () => step(1));
  useHotkeys("k", () => step(-1));

  const general: [string, string][] = [
    [`${PALETTE_KEY} or /`, "Find a page, a payment, an id"],
    ["j  k", "Next and previous row of a list"],
    ["Enter", "Open the row"],
    ["?", "This sheet"],
  ];
  if (!open) return null;
  return (
    <Suspense>
      <ShortcutsSheet
        keys={[...general, ...keyed.map((place): [string, string] => [`g  ${place.key}`, place.label])]}
        onClose={() => setOpen(false)}
      />
    </Suspense>
  );
}

function step(by: 1 | -1): void {
  const links = [...document.querySelectorAll<HTMLElement>("[data-row-link]")];
  const at = links.indexOf(document.activeElement as HTMLElement);
  const next = at === -1 ? links[0] : links[Math.min(Math.max(at + by, 0), links.length - 1)];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
}
