import type { components } from "@/api/schema";
import { named } from "@/lib/words";
import { Checkbox, Field, Input, Select, TextArea } from "@/ui/field";
import { Prose } from "@/ui/prose";

export type KindField = components["schemas"]["KindField"];

/** What was entered in a form of `KindFields`; fields that were left empty are left out. Null: some JSON can't be read. */
export function readFields(form: FormData, fields: KindField[], prefix: string): Record<string, unknown> | null {
  const read: Record<string, unknown> = {};
  for (const field of fields) {
    const text = String(form.get(`${prefix}.${field.name}`) ?? "").trim();
    if (field.type === "flag") {
      if ((text === "on") !== Boolean(field.default)) read[field.name] = text === "on";
    } else if (text !== "") {
      try {
        read[field.name] = field.type === "number" ? Number(text) : field.type === "json" ? JSON.parse(text) : text;
      } catch {
        return null;
      }
    }
  }
  return read;
}

/** The fields that a kind of gateway asks for. kept: what is stored of them, shown in place of an empty field. */
export function KindFields({
  fields,
  prefix,
  secret = false,
  kept = {},
  errors = {},
}: {
  fields: KindField[];
  prefix: string;
  secret?: boolean;
  kept?: Record<string, unknown>;
  errors?: Record<string, string>;
}) {
  return fields.map((field) => {
    const name = `${prefix}.${field.name}`;
    const stored = kept[field.name];
    const label = `${named(field.name)}${field.required ? "" : " (optional)"}`;
    const shown =
      stored === undefined || stored === null
        ? ""
        : typeof stored === "object"
          ? JSON.stringify(stored, null, 2)
          : String(stored);
    if (field.type === "flag") {
      return (
        <Checkbox
          key={name}
          name={name}
          label={named(field.name)}
          hint={field.description && <Prose text={field.description} />}
          defaultChecked={Boolean(stored ?? field.default)}
        />
      );
    }
    return (
      <Field
        key={name}
        label={label}
        hint={field.description && <Prose text={field.description} />}
        error={errors[name] ?? errors[field.name]}
      >
        {field.type === "choice" ? (
          <Select name={name} defaultValue={shown || String(field.default ?? "")}>
            {!field.required && <option value="">As usual</option>}
            {field.choices.map((choice) => (
              <option key={choice} value={choice}>
                {named(choice)}
              </option>
            ))}
          </Select>
        ) : field.type === "json" ? (
          <TextArea
            name={name}
            rows={field.required ? 8 : 2}
            dir="ltr"
            spellCheck={false}
            className="font-mono text-xs"
            defaultValue={shown}
            required={field.required}
          />
        ) : (
          <Input
            name={name}
            dir="ltr"
            autoComplete="off"
            spellCheck={false}
            type={secret ? "password" : field.type === "number" ? "number" : "text"}
            placeholder={secret && shown ? `Ends in ${shown}. Leave empty to keep it.` : undefined}
            defaultValue={secret ? undefined : shown}
            required={field.required && !(secret && shown)}
          />
        )}
      </Field>
    );
  });
}
