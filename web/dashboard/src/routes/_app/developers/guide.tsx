import { createFileRoute, Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { api } from "@/api/client";
import { keyStatus } from "@/features/developers/key-words";
import { filledIn, SAMPLES } from "@/features/developers/samples";
import { DeveloperTabs } from "@/features/developers/tabs";
import { useInstallation } from "@/features/installation";
import { asSearch } from "@/lib/list-route";
import { one } from "@/lib/search";
import { useSession } from "@/session";
import { Card } from "@/ui/card";
import { Code } from "@/ui/code";
import { Copyable } from "@/ui/copy";
import { Select } from "@/ui/field";
import { Fact, Facts, Page } from "@/ui/page";
import { Loaded, SkeletonRows } from "@/ui/states";

export const Route = createFileRoute("/_app/developers/guide")({ validateSearch: asSearch, component: Guide });

const PLACEHOLDER = "YOUR_KEY_ID";

function Guide() {
  const search = Route.useSearch();
  const navigate = Route.useNavigate();
  const { mode, merchant } = useSession();
  const installation = useInstallation();
  const keys = api.useQuery("get", "/api/v1/api_keys", { params: { query: { limit: 100 } } });
  const language = SAMPLES[one(search.lang) ?? ""] ? one(search.lang)! : "curl";
  const usable = keys.data?.data.filter((key) => keyStatus(key) === "active") ?? [];
  const keyId = usable.find((key) => key.id === one(search.key))?.id ?? usable[0]?.id ?? PLACEHOLDER;
  const change = (to: Record<string, string>) =>
    void navigate({ search: { ...search, ...to } as never, replace: true });
  const sample = SAMPLES[language]!;
  return (
    <Page
      title="Developers"
      tab="Integration guide"
      hint="From nothing to a paid order, in your language. The programs below run as they are."
    >
      <DeveloperTabs />
      {mode === "live" && (
        <p role="status" className="rounded-xl border border-warning/40 bg-warning-soft px-4 py-3 text-[13px]">
          You look at live mode. The test values below work in test mode only: switch to it first.
        </p>
      )}
      <Loaded
        query={keys}
        skeleton={
          <Card>
            <SkeletonRows rows={6} />
          </Card>
        }
      >
        {() => (
          <Loaded query={installation}>
            {({ api_url, checkout_url }) => {
              const fill = (program: string) =>
                filledIn(program, { API_URL: api_url.replace(/\/$/, ""), API_KEY: keyId });
              return (
                <>
                  <Card title="Yours">
                    <Facts>
                      <Fact name="Merchant">{merchant ? <Copyable text={merchant.id} what="merchant id" /> : "–"}</Fact>
                      <Fact name="API">
                        <Copyable text={api_url} what="address of the API" />
                      </Fact>
                      <Fact name="Key id">
                        {usable.length === 0 ? (
                          <Link to="/developers" className="text-primary underline underline-offset-2">
                            Create a key first
                          </Link>
                        ) : (
                          <Select
                            aria-label="Key id"
                            value={keyId}
                            className="font-mono text-xs"
                            onChange={(event) => change({ key: event.target.value })}
                          >
                            {usable.map((key) => (
                              <option key={key.id} value={key.id}>
                                {key.name}: {key.id}
                              </option>
                            ))}
                          </Select>
                        )}
                      </Fact>
                    </Facts>
                  </Card>
                  <div role="group" aria-label="Language" className="flex flex-wrap gap-1">
                    {Object.entries(SAMPLES).map(([id, each]) => (
                      <button
                        key={id}
                        type="button"
                        aria-pressed={id === language}
                        onClick={() => change({ lang: id })}
                        className="rounded-full border border-border px-3 py-1 text-[13px] font-medium hover:bg-muted aria-pressed:border-primary aria-pressed:bg-primary aria-pressed:text-on-primary"
                      >
                        {each.name}
                      </button>
                    ))}
                  </div>
                  <Step number={1} title="Create an order and pay it">
                    <p>
                      Your server creates an order, then a payment of it. The secret of the key comes from the
                      environment: it is never in the program, and never in a browser.
                    </p>
                    <Code text={fill(sample.pay)} label={`Create an order and pay it, ${sample.name}`} />
                    <p className="text-subtle">
                      The payment is <code>pending</code> first and decided some seconds later.
                    </p>
                  </Step>
                  <Step number={2} title="Or let the checkout take the payment">
                    <p>
                      Your server creates the order only. Send the customer to this address, with the id of the order:
                    </p>
                    <Code text={`${checkout_url}/checkout/ORDER_ID?key=${keyId}`} label="Address of the checkout" />
                    <p>
                      Or show the checkout on your own page. This tag becomes a button that opens it. Live pages must be
                      among the allowed origins of your{" "}
                      <Link to="/settings" className="text-primary underline underline-offset-2">
                        settings
                      </Link>
                      .
                    </p>
                    <Code text={tagOf(checkout_url, keyId)} label="A button that opens the checkout" />
                  </Step>
                  <Step number={3} title="Learn the result by a webhook">
                    <p>
                      <Link to="/webhooks" className="text-primary underline underline-offset-2">
                        Add an endpoint
                      </Link>{" "}
                      and keep its secret as <code>CLEARWAY_WEBHOOK_SECRET</code>. Verify each request over its raw
                      bytes, skip an id that you have handled, answer 2xx, then do the work.
                    </p>
                    <Code text={fill(sample.verify)} label={`Verify a webhook, ${sample.name}`} />
                    <p className="text-subtle">
                      Deliver the goods on <code>payment.success</code>. The{" "}
                      <Link to="/developers/events" className="text-primary underline underline-offset-2">
                        event catalogue
                      </Link>{" "}
                      has all events.
                    </p>
                  </Step>
                  <Step number={4} title="Try what can go wrong">
                    <p>
                      The{" "}
                      <Link to="/testing" className="text-primary underline underline-offset-2">
                        testing tools
                      </Link>{" "}
                      make payments that are declined, need 3-D Secure or get no answer, and send any event to your
                      endpoint.
                    </p>
                  </Step>
                </>
              );
            }}
          </Loaded>
        )}
      </Loaded>
    </Page>
  );
}

function tagOf(checkoutUrl: string, keyId: string): string {
  return `<script src="${checkoutUrl}/sdk/v1/checkout.js"
  data-key="${keyId}" data-order-id="ORDER_ID"></script>`;
}

function Step({ number, title, children }: { number: number; title: string; children: ReactNode }) {
  return (
    <Card title={`${number}. ${title}`}>
      <div className="grid grid-cols-[minmax(0,1fr)] gap-3 [&_p]:max-w-prose [&_p_code]:rounded [&_p_code]:bg-muted [&_p_code]:px-1 [&_p_code]:font-mono [&_p_code]:text-[0.92em]">
        {children}
      </div>
    </Card>
  );
}
