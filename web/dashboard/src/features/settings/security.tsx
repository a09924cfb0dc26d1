import { lines, Part, type Settings, text } from "@/features/settings/part";
import { toDecimal, toMinor } from "@/lib/money";
import { useSession } from "@/session";
import { Checkbox, Field, TextArea } from "@/ui/field";

/** "INR 5000\nEUR 100" -> minor units by currency, or a sentence about the line that cannot be read. */
export function readStepUp(value: string): Record<string, number> | string {
  const amounts: Record<string, number> = {};
  for (const line of lines(value)) {
    const [currency = "", amount = ""] = line.toUpperCase().split(/\s+/, 2);
    const minor = /^[A-Z]{3}$/.test(currency) ? toMinor(amount, currency) : null;
    if (minor === null) return `“${line}” is not a currency and an amount, such as INR 5000.`;
    amounts[currency] = minor;
  }
  return amounts;
}

export function Security({ settings }: { settings: Settings }) {
  const { me } = useSession();
  const kept = Object.entries(settings.security.refund_step_up);
  const required = settings.security.totp_required;
  return (
    <Part
      title="Security"
      read={(form) => {
        const amounts = readStepUp(text(form, "refund_step_up"));
        if (typeof amounts === "string") return amounts;
        const wanted = form.get("totp_required") === "on";
        if (wanted && !required && !me.totp_enabled) {
          return "Turn on your own second factor first, in your account. Otherwise you could not use this page any more.";
        }
        // What holds for both modes is sent only when it changes.
        return { security: { refund_step_up: amounts, ...(wanted === required ? {} : { totp_required: wanted }) } };
      }}
    >
      {(errors) => (
        <>
          <Checkbox
            name="totp_required"
            defaultChecked={required}
            label="Every member needs a second factor"
            hint="In both modes. Members without one see nothing of this business until they have turned it on in their account. API keys are not asked."
          />
          <Field
            label="Refunds that a member must confirm"
            hint="One line a currency: more than this needs the password or a code. A currency that is not listed: every refund. API keys are not asked."
            error={Object.entries(errors).find(([field]) => field.startsWith("security"))?.[1]}
          >
            <TextArea
              name="refund_step_up"
              rows={3}
              spellCheck={false}
              placeholder={"INR 5000\nEUR 100"}
              defaultValue={kept.map(([currency, minor]) => `${currency} ${toDecimal(minor, currency)}`).join("\n")}
            />
          </Field>
        </>
      )}
    </Part>
  );
}
