import { Link } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { api } from "@/api/client";
import { VerdictNote } from "@/features/webhooks/verdict";
import { duration } from "@/lib/time";
import { type Verdict, verifyWebhook } from "@/lib/webhook-signature";
import { Status } from "@/ui/badge";
import { Button } from "@/ui/button";
import { Card } from "@/ui/card";
import { Code } from "@/ui/code";
import { Field, Input } from "@/ui/field";
import { Loaded } from "@/ui/states";

const ENDED = new Set(["delivered", "failed", "cancelled"]);

/** A test event after it was sent: what the endpoint got and answered, and whether its signature holds. */
export function Tested({ deliveryId }: { deliveryId: string }) {
  const query = api.useQuery(
    "get",
    "/api/v1/webhooks/{delivery_id}",
    { params: { path: { delivery_id: deliveryId } } },
    { refetchInterval: ({ state }) => (state.data && ENDED.has(state.data.status) ? false : 1_500) },
  );
  return (
    <Card
      title="The delivery"
      action={
        <Button asChild size="sm">
          <Link to="/webhooks/deliveries/$deliveryId" params={{ deliveryId }}>
            Open it
          </Link>
        </Button>
      }
    >
      <div aria-live="polite">
        <Loaded query={query}>
          {(delivery) => {
            const attempt = delivery.attempts.at(-1);
            if (!attempt) return <p className="text-[13px] text-subtle">It is on its way.</p>;
            const { request, response } = attempt;
            const headers = Object.entries(request.headers)
              .map(([name, value]) => `${name}: ${value}`)
              .join("\n");
            return (
              <div className="grid grid-cols-[minmax(0,1fr)] gap-4">
                <p className="flex flex-wrap items-center gap-x-3 gap-y-1">
                  <Status value={delivery.status} />
                  <span className="text-[13px] text-subtle">
                    {response ? `Answered ${response.status}` : (attempt.error ?? "No answer")} after{" "}
                    {duration(attempt.duration_ms)}
                  </span>
                </p>
                <div className="grid grid-cols-[minmax(0,1fr)] gap-4 lg:grid-cols-[repeat(2,minmax(0,1fr))]">
                  <Code text={headers} label="Headers that were sent" className="max-h-72" />
                  <Code
                    text={request.body}
                    label="Body that was sent"
                    className="max-h-72 break-all whitespace-pre-wrap"
                  />
                </div>
                {response?.body && <Code text={response.body} label="Answer of the endpoint" className="max-h-48" />}
                <Validate headers={headers} body={request.body} />
              </div>
            );
          }}
        </Loaded>
      </div>
    </Card>
  );
}

function Validate({ headers, body }: { headers: string; body: string }) {
  const [verdict, setVerdict] = useState<Verdict | null>(null);
  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const secret = String(new FormData(event.currentTarget).get("secret"));
    setVerdict(await verifyWebhook(secret, headers, body));
  }
  return (
    <div className="border-t border-border pt-4">
      <form onSubmit={submit} onChange={() => setVerdict(null)} className="flex flex-wrap items-end gap-3">
        <Field
          label="Signing secret of the endpoint"
          hint="It stays in this page: your browser computes the signature."
          className="min-w-0 flex-1 basis-64"
        >
          <Input name="secret" type="password" required autoComplete="off" placeholder="whsec_…" dir="ltr" />
        </Field>
        <Button type="submit" className="sm:mb-[26px]">
          Validate the signature
        </Button>
      </form>
      <VerdictNote verdict={verdict} />
    </div>
  );
}
