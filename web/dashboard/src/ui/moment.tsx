import { fullTime, shortTime } from "@/lib/time";

/** A moment, short; whole when it is pointed at. */
export function Moment({ at }: { at: string }) {
  return (
    <time dateTime={at} title={fullTime(at)} className="whitespace-nowrap">
      {shortTime(at)}
    </time>
  );
}
