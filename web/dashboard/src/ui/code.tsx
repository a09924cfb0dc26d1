import { cn } from "@/lib/cn";
import { CopyButton } from "@/ui/copy";

/** Text for programs: in a fixed-width face, scrolled by itself, with a button that copies all of it. */
export function Code({ text, label, className }: { text: string; label: string; className?: string }) {
  return (
    <div className="relative min-w-0">
      <CopyButton text={text} what={label} className="absolute top-2 right-2 size-8 bg-raised shadow-sm" />
      <pre
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by the keyboard
        tabIndex={0}
        role="region"
        aria-label={label}
        dir="ltr"
        className={cn("max-h-[32rem] overflow-auto rounded-lg bg-muted/60 p-3 pr-12 font-mono text-xs", className)}
      >
        {text}
      </pre>
    </div>
  );
}

/** A value as indented JSON. */
export function Json({ value, label, className }: { value: unknown; label: string; className?: string }) {
  return <Code text={JSON.stringify(value, null, 2)} label={label} {...(className ? { className } : {})} />;
}
