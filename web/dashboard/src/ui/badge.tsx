import type { ReactNode } from "react";
import { cn } from "@/lib/cn";
import { named, type Tone, toneOf } from "@/lib/words";

const TONES: Record<Tone, string> = {
  neutral: "bg-muted text-subtle",
  success: "bg-success-soft text-success",
  danger: "bg-danger-soft text-danger",
  warning: "bg-warning-soft text-warning",
  info: "bg-info-soft text-info",
};

export function Badge({
  tone = "neutral",
  children,
  className,
}: {
  tone?: Tone;
  children: ReactNode;
  className?: string;
}) {
  return (
    <span
      className={cn(
        "inline-flex max-w-full items-center rounded-full px-2 py-0.5 text-xs font-medium whitespace-nowrap",
        TONES[tone],
        className,
      )}
    >
      {children}
    </span>
  );
}

/** The status of a resource, in the words and the colour that it has everywhere. */
export function Status({ value, label }: { value: string; label?: string }) {
  return <Badge tone={toneOf(value)}>{label ?? named(value)}</Badge>;
}
