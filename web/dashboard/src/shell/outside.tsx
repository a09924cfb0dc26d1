import { type ReactNode, useEffect } from "react";

/** The frame of the pages before the log-in. */
export function Outside({
  title,
  hint,
  children,
  below,
}: {
  title: string;
  hint?: ReactNode;
  children?: ReactNode;
  below?: ReactNode;
}) {
  useEffect(() => {
    document.title = `${title} · Clearway`;
  }, [title]);
  return (
    <main className="mx-auto flex min-h-dvh w-full max-w-md flex-col justify-center px-4 py-10">
      <div className="mb-6 flex items-center gap-2.5">
        <img src="/favicon.svg" alt="" className="size-8" />
        <span className="text-lg font-semibold tracking-tight">Clearway</span>
      </div>
      <div className="rounded-2xl border border-border bg-surface p-5 shadow-sm sm:p-7">
        <h1 className="text-xl font-semibold tracking-tight">{title}</h1>
        {hint && <p className="mt-1.5 text-[13px] text-subtle">{hint}</p>}
        {children && <div className="mt-5">{children}</div>}
      </div>
      {below && <div className="mt-4 text-center text-[13px] text-subtle">{below}</div>}
    </main>
  );
}

/** What a form's request ended with, above its button. */
export function FormError({ error }: { error: string | null }) {
  return (
    <div aria-live="polite">
      {error && <p className="rounded-lg bg-danger-soft px-3 py-2 text-[13px] text-danger">{error}</p>}
    </div>
  );
}
