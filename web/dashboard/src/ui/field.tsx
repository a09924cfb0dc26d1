import { type ComponentProps, createContext, type ReactNode, useContext, useId } from "react";
import { cn } from "@/lib/cn";

const Context = createContext<{ id: string; describedBy: string | undefined; invalid: boolean } | null>(null);

/** A label, its control, a hint and an error, tied together for screen readers. */
export function Field({
  label,
  hint,
  error,
  children,
  className,
}: {
  label: ReactNode;
  hint?: ReactNode;
  error?: ReactNode;
  children: ReactNode;
  className?: string;
}) {
  const id = useId();
  const hintId = hint ? `${id}-hint` : undefined;
  const errorId = error ? `${id}-error` : undefined;
  const describedBy = [errorId, hintId].filter(Boolean).join(" ") || undefined;
  return (
    <div className={cn("grid gap-1.5", className)}>
      <label htmlFor={id} className="text-[13px] font-medium">
        {label}
      </label>
      <Context.Provider value={{ id, describedBy, invalid: Boolean(error) }}>{children}</Context.Provider>
      {error && (
        <div id={errorId} className="text-[13px] text-danger">
          {error}
        </div>
      )}
      {hint && (
        <p id={hintId} className="text-[13px] text-subtle">
          {hint}
        </p>
      )}
    </div>
  );
}

function useControl() {
  const context = useContext(Context);
  if (!context) return {};
  return { id: context.id, "aria-describedby": context.describedBy, "aria-invalid": context.invalid || undefined };
}

const CONTROL =
  "h-9 w-full min-w-0 rounded-lg border border-input bg-surface px-3 text-foreground placeholder:text-subtle aria-invalid:border-danger disabled:opacity-55 max-sm:h-11 max-sm:text-base";

export function Input({ className, ...rest }: ComponentProps<"input">) {
  return <input {...useControl()} className={cn(CONTROL, className)} {...rest} />;
}

export function TextArea({ className, ...rest }: ComponentProps<"textarea">) {
  return (
    <textarea {...useControl()} className={cn(CONTROL, "h-auto min-h-20 py-2 max-sm:h-auto", className)} {...rest} />
  );
}

export function Select({ className, ...rest }: ComponentProps<"select">) {
  return <select {...useControl()} className={cn(CONTROL, "pr-8", className)} {...rest} />;
}

export function Checkbox({
  label,
  hint,
  className,
  ...rest
}: ComponentProps<"input"> & { label: ReactNode; hint?: ReactNode }) {
  return (
    <label className={cn("flex items-start gap-2.5 text-[13px]", className)}>
      <input type="checkbox" className="mt-0.5 size-4 shrink-0 accent-primary" {...rest} />
      <span>
        <span className="font-medium">{label}</span>
        {hint && <span className="block text-subtle">{hint}</span>}
      </span>
    </label>
  );
}
