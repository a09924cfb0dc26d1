import { CheckCircle2, XCircle } from "lucide-react";
import type { Verdict } from "@/lib/webhook-signature";

/** Whether a webhook is genuine, and why not. */
export function VerdictNote({ verdict }: { verdict: Verdict | null }) {
  return (
    <div aria-live="polite">
      {verdict && (
        <div
          className={`mt-4 flex items-start gap-3 rounded-lg px-4 py-3 ${verdict.ok ? "bg-success-soft" : "bg-danger-soft"}`}
        >
          {verdict.ok ? (
            <CheckCircle2 aria-hidden className="mt-0.5 size-5 shrink-0 text-success" />
          ) : (
            <XCircle aria-hidden className="mt-0.5 size-5 shrink-0 text-danger" />
          )}
          <div className="min-w-0">
            <p className="font-medium">{verdict.title}</p>
            <p className="mt-0.5 text-[13px]">{verdict.detail}</p>
          </div>
        </div>
      )}
    </div>
  );
}
