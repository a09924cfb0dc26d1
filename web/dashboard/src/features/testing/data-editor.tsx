import { useMutation } from "@tanstack/react-query";
import { RotateCcw, Send } from "lucide-react";
import { useState } from "react";
import { ApiError, messageOf } from "@/api/errors";
import { raw } from "@/api/raw";
import type { components } from "@/api/schema";
import { FormError } from "@/shell/outside";
import { Button } from "@/ui/button";
import { Field, TextArea } from "@/ui/field";

type Delivery = components["schemas"]["DeliveryResource"];

const written = (data: unknown) => JSON.stringify(data, null, 2);

/** The data of a test event, as JSON that a person changes; what does not fit is said under it, with its place. */
export function DataEditor({
  type,
  example,
  endpointId,
  onSent,
}: {
  type: string;
  example: Record<string, unknown>;
  endpointId: string;
  onSent: (sent: Delivery) => void;
}) {
  const [text, setText] = useState(() => written(example));
  const [key, setKey] = useState(() => crypto.randomUUID());
  const send = useMutation({
    mutationFn: async () => {
      const isExample = text === written(example); // the server's own has the time and the endpoint of now
      const body = { event_type: type, ...(isExample ? {} : { data: objectOf(text) }) };
      const path = `/webhook_endpoints/${endpointId}/test`;
      return raw<Delivery>("POST", path, body, { "Idempotency-Key": `${key}-${endpointId}` });
    },
    onSuccess: (sent) => {
      setKey(crypto.randomUUID());
      onSent(sent);
    },
  });
  const change = (to: string) => {
    setText(to);
    setKey(crypto.randomUUID());
    send.reset();
  };
  const misfits = misfitsOf(send.error);
  return (
    <>
      <Field
        label="Data of the event"
        hint="JSON in the schema of this type. Fields about a person (customer, vpa, card, bank, wallet, notes) stay empty: events are kept for good."
        error={
          misfits.length > 0 && (
            <ul role="alert" className="grid gap-1 break-words">
              {misfits.map(([place, reason]) => (
                <li key={place}>
                  {place && <code className="font-mono text-xs">{place}</code>} {reason}
                </li>
              ))}
            </ul>
          )
        }
      >
        <TextArea
          value={text}
          onChange={(event) => change(event.target.value)}
          rows={16}
          spellCheck={false}
          autoCapitalize="off"
          autoComplete="off"
          dir="ltr"
          className="font-mono text-xs max-sm:text-base"
        />
      </Field>
      <FormError error={send.error && misfits.length === 0 ? messageOf(send.error) : null} />
      <div className="flex flex-wrap gap-2">
        <Button look="primary" busy={send.isPending} onClick={() => send.mutate()}>
          <Send aria-hidden /> Send
        </Button>
        {text !== written(example) && (
          <Button onClick={() => change(written(example))}>
            <RotateCcw aria-hidden /> Back to the example
          </Button>
        )}
      </div>
    </>
  );
}

class NotJsonError extends Error {}

function objectOf(text: string): object {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new NotJsonError(`This is not JSON, and nothing was sent. ${messageOf(error)}`);
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  throw new NotJsonError("This must be a JSON object, in braces. Nothing was sent.");
}

/** What is wrong with the data: each place and its reason. Empty when the error is about something else. */
function misfitsOf(error: unknown): [place: string, reason: string][] {
  if (error instanceof NotJsonError) return [["", error.message]];
  if (!(error instanceof ApiError)) return [];
  return Object.entries(error.fields).filter(([place]) => place === "data" || place.startsWith("data."));
}
