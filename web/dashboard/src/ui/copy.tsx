import { Check, Copy as CopyIcon } from "lucide-react";
import { useState } from "react";
import { cn } from "@/lib/cn";
import { toast } from "@/lib/toast";

/** A button that copies a text, and says that it did. */
export function CopyButton({ text, what, className }: { text: string; what: string; className?: string }) {
  const [copied, setCopied] = useState(false);
  async function copy() {
    try {
      await navigator.clipboard.writeText(text);
      setCopied(true);
      setTimeout(() => setCopied(false), 1_500);
    } catch {
      toast.error("The browser does not allow copying here. Select the text and copy it by hand.");
    }
  }
  return (
    <button
      type="button"
      onClick={copy}
      aria-label={copied ? `${what} copied` : `Copy ${what}`}
      className={cn(
        "inline-grid size-6 shrink-0 place-items-center rounded text-subtle hover:bg-muted hover:text-foreground [&_svg]:size-3.5",
        className,
      )}
    >
      {copied ? <Check aria-hidden className="text-success" /> : <CopyIcon aria-hidden />}
    </button>
  );
}

/** An id or another value that people copy: whole, in a fixed-width face, with its button. */
export function Copyable({ text, what, className }: { text: string; what: string; className?: string }) {
  return (
    <span className={cn("inline-flex max-w-full min-w-0 items-center gap-1", className)}>
      <code dir="auto" className="min-w-0 truncate font-mono text-[13px]" title={text}>
        {text}
      </code>
      <CopyButton text={text} what={what} />
    </span>
  );
}
