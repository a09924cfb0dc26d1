/** A sentence of the API, with what it puts between backticks in a fixed-width face. */
export function Prose({ text }: { text: string }) {
  return text.split("`").map((part, index) =>
    index % 2 === 1 ? (
      <code key={index} className="rounded bg-muted px-1 font-mono text-[0.92em] break-words">
        {part}
      </code>
    ) : (
      part
    ),
  );
}
