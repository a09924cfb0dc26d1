import { createFileRoute } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { WebhookTabs } from "@/features/webhooks/tabs";
import { VerdictNote } from "@/features/webhooks/verdict";
import { type Verdict, verifyWebhook } from "@/lib/webhook-signature";
import { Button } from "@/ui/button";
import { Card } from "@/ui/card";
import { Field, Input, TextArea } from "@/ui/field";
import { Page } from "@/ui/page";

export const Route = createFileRoute("/_app/webhooks/verify")({ component: Verify });

function Verify() {
  const [verdict, setVerdict] = useState<Verdict | null>(null);
  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    setVerdict(await verifyWebhook(String(form.get("secret")), String(form.get("headers")), String(form.get("body"))));
  }
  return (
    <Page
      title="Webhooks"
      tab="Verify a webhook"
      hint="Your server refuses a webhook? Paste what it received, and see why. Nothing of it leaves this page."
    >
      <WebhookTabs />
      <Card>
        <form onSubmit={submit} className="grid gap-4" onChange={() => setVerdict(null)}>
          <Field label="Signing secret" hint="It is not sent anywhere: your browser computes the signature.">
            <Input name="secret" type="password" required autoComplete="off" placeholder="whsec_…" dir="ltr" />
          </Field>
          <Field label="Headers" hint="webhook-id, webhook-timestamp and webhook-signature, one on each line.">
            <TextArea
              name="headers"
              required
              rows={4}
              spellCheck={false}
              dir="ltr"
              className="font-mono text-xs"
              placeholder={"webhook-id: evt_…\nwebhook-timestamp: 1790000000\nwebhook-signature: v1,…"}
            />
          </Field>
          <Field label="Body" hint="Exactly as it came, before anything parsed it.">
            <TextArea name="body" required rows={8} spellCheck={false} dir="ltr" className="font-mono text-xs" />
          </Field>
          <div className="flex flex-wrap items-center gap-3">
            <Button look="primary" type="submit">
              Verify
            </Button>
          </div>
        </form>
        <VerdictNote verdict={verdict} />
      </Card>
    </Page>
  );
}
