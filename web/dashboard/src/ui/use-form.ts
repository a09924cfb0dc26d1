import { type FormEvent, useState } from "react";
import { ApiError, messageOf } from "@/api/errors";

/** A form that sends its fields and shows what came back. */
export function useForm<T>(sendFields: (fields: Record<string, string>) => Promise<T>, onDone: (answer: T) => void) {
  const [error, setError] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const fields = Object.fromEntries(new FormData(event.currentTarget)) as Record<string, string>;
    setBusy(true);
    setError(null);
    try {
      onDone(await sendFields(fields));
    } catch (problem) {
      const wait = problem instanceof ApiError ? problem.retryAfterS : null;
      setError(wait ? `${messageOf(problem)} Try again in ${wait} s.` : messageOf(problem));
    } finally {
      setBusy(false);
    }
  }
  return { error, busy, submit };
}
