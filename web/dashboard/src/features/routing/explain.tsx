import { Check, Minus } from "lucide-react";
import { type FormEvent, useState } from "react";
import { api } from "@/api/client";
import { ApiError } from "@/api/errors";
import type { components } from "@/api/schema";
import { Decision } from "@/features/routing/decision";
import type { Program } from "@/features/routing/program";
import { lackedWords } from "@/features/routing/words";
import { toMinor } from "@/lib/money";
import { named } from "@/lib/words";
import { Button } from "@/ui/button";
import { Card } from "@/ui/card";
import { Field, Input, Select } from "@/ui/field";
import { Failure } from "@/ui/states";

type Explanation = components["schemas"]["Explanation"];

const METHODS = ["card", "upi", "netbanking", "wallet"];
const BRANDS = ["visa", "mastercard", "amex", "discover", "diners", "jcb", "unionpay", "rupay"];

function asked(form: FormData, version: number | null): Record<string, unknown> {
  const text = (name: string) => String(form.get(name) ?? "").trim();
  const currency = text("currency").toUpperCase();
  const [key, value] = [text("note_key"), text("note_value")];
  const optional = {
    country: text("country").toUpperCase(),
    card_brand: text("card_brand"),
    card_bin: text("card_bin"),
    customer: text("customer"),
    at: text("at") && new Date(text("at")).toISOString(),
    version: version ?? "",
    notes: key ? { [key]: value } : "",
  };
  return {
    method: text("method"),
    currency,
    amount: toMinor(text("amount"), currency),
    capture_method: text("capture_method"),
    ...Object.fromEntries(Object.entries(optional).filter(([, each]) => each !== "")),
  };
}

/** Asks where a payment would go that is not made. version null: by the active rules. */
export function Explain({ version, program }: { version: number | null; program: Program | null }) {
  const explain = api.useMutation("post", "/api/v1/routing/explain");
  const [method, setMethod] = useState("card");
  const errors = explain.error instanceof ApiError ? explain.error.fields : {};
  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    explain.mutate({ body: asked(new FormData(event.currentTarget), version) as never });
  }
  return (
    <Card
      title="Where would a payment go?"
      hint={`Describe one. ${version === null ? "The active rules answer" : `Version ${version} answers`}, with the gateways as they are now. Nothing is made.`}
    >
      <form onSubmit={submit} className="grid grid-cols-2 items-start gap-3 sm:grid-cols-3 lg:grid-cols-4">
        <Field label="Method" error={errors.method}>
          <Select name="method" value={method} onChange={(event) => setMethod(event.target.value)}>
            {METHODS.map((each) => (
              <option key={each} value={each}>
                {named(each)}
              </option>
            ))}
          </Select>
        </Field>
        <Field label="Amount" error={errors.amount}>
          <Input name="amount" inputMode="decimal" required defaultValue="500.00" autoComplete="off" />
        </Field>
        <Field label="Currency" error={errors.currency}>
          <Input
            name="currency"
            required
            pattern="[A-Za-z]{3}"
            maxLength={3}
            defaultValue="INR"
            className="uppercase"
          />
        </Field>
        <Field label="Capture" error={errors.capture_method}>
          <Select name="capture_method">
            <option value="automatic">Automatic</option>
            <option value="manual">Manual</option>
          </Select>
        </Field>
        <Field label="Country" error={errors.country}>
          <Input name="country" pattern="[A-Za-z]{2}" maxLength={2} placeholder="IN" className="uppercase" />
        </Field>
        {method === "card" && (
          <>
            <Field label="Card brand" error={errors.card_brand}>
              <Select name="card_brand">
                <option value="">Not known</option>
                {BRANDS.map((each) => (
                  <option key={each} value={each}>
                    {named(each)}
                  </option>
                ))}
              </Select>
            </Field>
            <Field label="First digits" error={errors.card_bin}>
              <Input name="card_bin" inputMode="numeric" pattern="[0-9]{4,8}" maxLength={8} placeholder="411111" />
            </Field>
          </>
        )}
        <Field label="Customer id" error={errors.customer}>
          <Input name="customer" dir="auto" autoComplete="off" maxLength={128} />
        </Field>
        <Field label="Key of a note" error={errors.notes}>
          <Input name="note_key" dir="auto" autoComplete="off" />
        </Field>
        <Field label="Its value">
          <Input name="note_value" dir="auto" autoComplete="off" />
        </Field>
        <Field label="Made at" hint="Empty: now." error={errors.at} className="col-span-2 sm:col-span-1">
          <Input name="at" type="datetime-local" />
        </Field>
        <div className="col-span-full">
          <Button look="primary" type="submit" busy={explain.isPending}>
            Explain
          </Button>
        </div>
      </form>
      <div aria-live="polite">
        {explain.error && <Failure error={explain.error} className="px-0 sm:px-0" />}
        {explain.data && !explain.error && <Answer answer={explain.data} program={program} />}
      </div>
    </Card>
  );
}

function Answer({ answer, program }: { answer: Explanation; program: Program | null }) {
  return (
    <div data-testid="explanation" className="mt-5 grid gap-4 border-t border-border pt-4">
      <Decision decision={answer} />
      {answer.considered.length > 0 && (
        <div className="text-[13px]">
          <p className="font-medium">Rules that were asked</p>
          <ol className="mt-1 grid gap-1.5">
            {answer.considered.map((each) => (
              <li key={each.rule} className="flex items-start gap-2">
                {each.fits ? (
                  <Check aria-hidden className="mt-0.5 size-4 shrink-0 text-success" />
                ) : (
                  <Minus aria-hidden className="mt-0.5 size-4 shrink-0 text-subtle" />
                )}
                <span className="min-w-0 break-words">
                  <span dir="auto" className="font-medium">
                    {each.rule}
                  </span>{" "}
                  {each.fits ? "fits." : "does not fit. It wants: "}
                  {each.failed.map((place) => lackedWords(program, each.rule, place)).join("; or ")}
                </span>
              </li>
            ))}
          </ol>
        </div>
      )}
    </div>
  );
}
