import { Dialog } from "@/ui/dialog";

/** What each key does. */
export default function ShortcutsSheet({ keys, onClose }: { keys: [string, string][]; onClose: () => void }) {
  return (
    <Dialog open onOpenChange={(open) => !open && onClose()} title="Keyboard shortcuts" wide>
      <dl className="grid gap-x-8 gap-y-2 sm:grid-cols-2">
        {keys.map(([pressed, what]) => (
          <div key={pressed} className="flex items-center justify-between gap-4">
            <dt>{what}</dt>
            <dd>
              <kbd className="rounded border border-border bg-muted px-1.5 py-0.5 font-mono text-xs whitespace-pre">
                {pressed}
              </kbd>
            </dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
