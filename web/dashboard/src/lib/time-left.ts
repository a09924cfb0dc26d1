const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

export type TimeLeft = {
  text: string;
  /** It reads the same for so long, at least. */
  changesInMs: number;
};

/** "2 days 3 h", "3 h 20 min", "5 min 9 s"; calm: never seconds. null: the moment has come. */
export function timeLeft(ms: number, calm = false): TimeLeft | null {
  if (ms <= 0) return null;
  const step = calm || ms > HOUR_MS ? MINUTE_MS : 1_000;
  const units = Math.ceil(ms / step); // rounded up, so that "1 s" is followed by the end
  return { text: words(units * step, calm), changesInMs: ms - (units - 1) * step };
}

function words(ms: number, calm: boolean): string {
  const days = Math.floor(ms / DAY_MS);
  const hours = Math.floor((ms % DAY_MS) / HOUR_MS);
  const minutes = Math.floor((ms % HOUR_MS) / MINUTE_MS);
  const seconds = Math.floor((ms % MINUTE_MS) / 1_000);
  if (days > 0) return `${days} ${days === 1 ? "day" : "days"} ${hours} h`;
  if (hours > 0) return `${hours} h ${minutes} min`;
  if (calm) return `${minutes} min`;
  return minutes > 0 ? `${minutes} min ${seconds} s` : `${seconds} s`;
}
