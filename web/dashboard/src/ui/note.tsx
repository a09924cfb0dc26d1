import { named } from "@/lib/words";

/** An error as the API classified it: its code in words, its text, and what the gateway said. */
export function ApiErrorNote({
  code,
  text,
  details = [],
}: {
  code: string;
  text: string | null;
  details?: (string | null | undefined)[];
}) {
  const said = details.filter((detail): detail is string => Boolean(detail));
  return (
    <div className="mt-2 rounded-lg bg-danger-soft px-3 py-2 text-[13px]">
      <p className="font-medium text-danger">
        {named(code)} <code className="font-mono text-xs font-normal">{code}</code>
      </p>
      {text && (
        <p dir="auto" className="mt-0.5 break-words">
          {text}
        </p>
      )}
      {said.length > 0 && <p className="mt-0.5 break-words text-subtle">{said.join(" · ")}</p>}
    </div>
  );
}
