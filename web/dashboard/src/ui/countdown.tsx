import { type ReactNode, useEffect, useReducer } from "react";
import { fullTime } from "@/lib/time";
import { timeLeft } from "@/lib/time-left";
import { useMedia } from "@/lib/use-media";

/** Returns the time until a moment in words, live; null once it has come, or without a moment. */
function useTimeLeft(at: string | null | undefined): string | null {
  const calm = useMedia("(prefers-reduced-motion: reduce)");
  const [, tick] = useReducer((count: number) => count + 1, 0);
  const left = () => (at ? timeLeft(new Date(at).getTime() - Date.now(), calm) : null);
  const text = left()?.text ?? null;
  useEffect(() => {
    if (text === null) return;
    const timer = setTimeout(tick, left()?.changesInMs ?? 0); // time has passed since this was rendered
    return () => clearTimeout(timer);
  }); // at each render, because each reads the clock
  return text;
}

/**
 * Shows something with a countdown, "in 5 min 9 s", until a moment has come, and `otherwise` from then on.
 * A screen reader reads the moment instead, which does not change each second.
 */
export function Until({
  at,
  children,
  otherwise = null,
}: {
  at: string | null | undefined;
  children: (countdown: ReactNode) => ReactNode;
  otherwise?: ReactNode;
}) {
  const left = useTimeLeft(at);
  if (!at || left === null) return otherwise;
  const moment = fullTime(at);
  return children(
    <time dateTime={at} title={moment} className="whitespace-nowrap tabular-nums">
      <span aria-hidden>in {left}</span>
      <span className="sr-only">at {moment}</span>
    </time>,
  );
}
