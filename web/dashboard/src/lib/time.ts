const full = new Intl.DateTimeFormat(undefined, {
  year: "numeric",
  month: "short",
  day: "numeric",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
});
const short = new Intl.DateTimeFormat(undefined, {
  month: "short",
  day: "numeric",
  hour: "2-digit",
  minute: "2-digit",
});
const shortWithYear = new Intl.DateTimeFormat(undefined, { year: "numeric", month: "short", day: "numeric" });
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto", style: "long" });

export function fullTime(text: string): string {
  return full.format(new Date(text));
}

export function shortTime(text: string, now = new Date()): string {
  const moment = new Date(text);
  return (moment.getFullYear() === now.getFullYear() ? short : shortWithYear).format(moment);
}

const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
  ["second", 1],
];

/** "3 minutes ago", "in 2 days". */
export function ago(text: string, now = new Date()): string {
  const seconds = Math.round((new Date(text).getTime() - now.getTime()) / 1_000);
  const [unit, size] = STEPS.find(([, each]) => Math.abs(seconds) >= each) ?? ["second", 1];
  return relative.format(Math.trunc(seconds / size), unit);
}

/** How long something took: "840 ms", "12.4 s", "3 min 5 s". */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 60) return `${minutes} min ${Math.round((ms % 60_000) / 1_000)} s`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} days`;
}

/** The value of an `<input type="date">`, as the start of that day here, in RFC 3339. */
export function startOfDay(date: string): string | undefined {
  const moment = new Date(`${date}T00:00:00`);
  return Number.isNaN(moment.getTime()) ? undefined : moment.toISOString();
}

/** The start of the day after, for a filter whose end is exclusive. */
export function endOfDay(date: string): string | undefined {
  const moment = new Date(`${date}T00:00:00`);
  if (Number.isNaN(moment.getTime())) return undefined;
  moment.setDate(moment.getDate() + 1);
  return moment.toISOString();
}
