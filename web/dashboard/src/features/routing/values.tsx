import { type ReactNode, useState } from "react";
import { useProblem } from "@/features/routing/problems";
import { cn } from "@/lib/cn";
import { Field, Input } from "@/ui/field";

/**
 * A text that stands for a value. What is being typed stays as it is; another value from outside replaces it.
 * read: null when the text is no such value, which the API then refuses by its place.
 */
export function ValueInput<T>({
  label,
  hint,
  place,
  value,
  show,
  read,
  onChange,
  className,
  ...rest
}: {
  label: string;
  hint?: ReactNode;
  place: string;
  value: T;
  show: (value: T) => string;
  read: (text: string) => T;
  onChange: (value: T) => void;
  className?: string;
  placeholder?: string;
  inputMode?: "decimal" | "numeric";
  dir?: "auto" | "ltr";
}) {
  const [text, setText] = useState(() => show(value));
  const shown = JSON.stringify(read(text)) === JSON.stringify(value) ? text : show(value);
  return (
    <Field label={label} hint={hint} error={useProblem(place, true)} className={className ?? ""}>
      <Input
        autoComplete="off"
        spellCheck={false}
        {...rest}
        value={shown}
        onChange={(event) => {
          setText(event.target.value);
          onChange(read(event.target.value));
        }}
      />
    </Field>
  );
}

/** Values of a fixed set, each a box to tick. */
export function Choices<T extends string>({
  label,
  place,
  options,
  value,
  onChange,
}: {
  label: string;
  place: string;
  options: readonly (readonly [T, string])[];
  value: readonly T[];
  onChange: (value: T[]) => void;
}) {
  const problem = useProblem(place, true);
  return (
    <fieldset className="grid gap-1.5" aria-invalid={problem ? true : undefined}>
      <legend className="mb-1.5 text-[13px] font-medium">{label}</legend>
      <div className="flex flex-wrap gap-1.5">
        {options.map(([each, name]) => (
          <label
            key={each}
            className={cn(
              "inline-flex h-9 cursor-pointer items-center gap-2 rounded-lg border px-2.5 text-[13px] max-sm:h-11",
              value.includes(each) ? "border-primary bg-primary-soft text-on-primary-soft" : "border-input",
            )}
          >
            <input
              type="checkbox"
              className="size-4 accent-primary"
              checked={value.includes(each)}
              onChange={(event) =>
                onChange(
                  options
                    .map(([one]) => one)
                    .filter((one) => (one === each ? event.target.checked : value.includes(one))),
                )
              }
            />
            {name}
          </label>
        ))}
      </div>
      {problem && <p className="text-[13px] text-danger">{problem}</p>}
    </fieldset>
  );
}
