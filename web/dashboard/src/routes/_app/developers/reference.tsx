import { useQuery } from "@tanstack/react-query";
import { createFileRoute, Link } from "@tanstack/react-router";
import { BookOpen, Download } from "lucide-react";
import type { ReactNode } from "react";
import { NoAnswerError } from "@/api/errors";
import { DeveloperTabs } from "@/features/developers/tabs";
import { useInstallation } from "@/features/installation";
import { Button } from "@/ui/button";
import { Card } from "@/ui/card";
import { Copyable } from "@/ui/copy";
import { Fact, Facts, Page } from "@/ui/page";
import { Loaded } from "@/ui/states";

export const Route = createFileRoute("/_app/developers/reference")({ component: Reference });

/** Whether this installation serves its reference: production does so only when it is asked to. */
async function isServed(): Promise<boolean> {
  try {
    return (await fetch("/docs", { method: "HEAD" })).ok;
  } catch {
    throw new NoAnswerError();
  }
}

function Reference() {
  const served = useQuery({ queryKey: ["reference"], queryFn: isServed, staleTime: Number.POSITIVE_INFINITY });
  const installation = useInstallation();
  return (
    <Page title="Developers" tab="API reference" hint="Every operation, field and error, from the API itself.">
      <DeveloperTabs />
      <Card title="Reference">
        <Loaded query={served}>
          {(there) =>
            there ? (
              <>
                <p className="max-w-prose">
                  Read every operation, and try it. In development the key of the test merchant is filled in. Elsewhere
                  enter a test key by “Authorize”. Nothing is loaded from another site.
                </p>
                <div className="mt-4 flex flex-wrap gap-2">
                  <Button asChild look="primary">
                    <a href="/docs" target="_blank" rel="noreferrer">
                      <BookOpen aria-hidden /> Open the reference
                    </a>
                  </Button>
                  <Button asChild>
                    <a href="/openapi.json" download="clearway-openapi.json">
                      <Download aria-hidden /> OpenAPI document
                    </a>
                  </Button>
                </div>
              </>
            ) : (
              <p className="max-w-prose">
                This installation does not serve its reference. Whoever runs it can set <code>DOCS_ENABLED=true</code>.
              </p>
            )
          }
        </Loaded>
      </Card>
      <Card title="In short">
        <Loaded query={installation}>
          {({ api_url }) => (
            <Facts>
              <Fact name="Base URL">
                <Copyable text={`${api_url.replace(/\/$/, "")}/api/v1`} what="base URL" />
              </Fact>
              <Short name="Authentication">
                <code>X-Api-Key</code> and <code>X-Api-Secret</code>, on every request from your server.
              </Short>
              <Short name="Amounts">
                Integers in minor units: 500 rupees are <code>50000</code>, 500 yen are <code>500</code>.
              </Short>
              <Short name="Repeats">
                Send an <code>Idempotency-Key</code> with each POST. No answer? Send it again with the same key.
              </Short>
              <Short name="Errors">
                Your program reads <code>code</code>, people read <code>detail</code>. An error means that nothing was
                done, unless it says otherwise.
              </Short>
              <Short name="Results">
                A payment is decided later. Your server learns it by a{" "}
                <Link to="/webhooks" className="text-primary underline underline-offset-2">
                  webhook
                </Link>
                .
              </Short>
            </Facts>
          )}
        </Loaded>
      </Card>
    </Page>
  );
}

function Short({ name, children }: { name: string; children: ReactNode }) {
  return (
    <Fact name={name}>
      <span className="[&_code]:rounded [&_code]:bg-muted [&_code]:px-1 [&_code]:font-mono [&_code]:text-[0.92em]">
        {children}
      </span>
    </Fact>
  );
}
