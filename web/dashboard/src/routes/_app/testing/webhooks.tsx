import { useQuery } from "@tanstack/react-query";
import { createFileRoute, Link } from "@tanstack/react-router";
import { Webhook } from "lucide-react";
import { useState } from "react";
import { api } from "@/api/client";
import { raw } from "@/api/raw";
import type { components } from "@/api/schema";
import { DataEditor } from "@/features/testing/data-editor";
import { NotAllowed, TestingPage } from "@/features/testing/frame";
import { Tested } from "@/features/testing/tested";
import { asSearch } from "@/lib/list-route";
import { one } from "@/lib/search";
import { useSession } from "@/session";
import { Button } from "@/ui/button";
import { Card } from "@/ui/card";
import { Field, Select } from "@/ui/field";
import { Prose } from "@/ui/prose";
import { Empty, Loaded, SkeletonRows } from "@/ui/states";

export const Route = createFileRoute("/_app/testing/webhooks")({ validateSearch: asSearch, component: WebhookTester });

type Endpoints = { data: components["schemas"]["EndpointResource"][] };
type Delivery = components["schemas"]["DeliveryResource"];

function WebhookTester() {
  const { mode, can } = useSession();
  const query = useQuery({
    queryKey: ["test", "endpoints"],
    queryFn: () => raw<Endpoints>("GET", "/webhook_endpoints?limit=100"),
    enabled: mode === "test",
  });
  return (
    <TestingPage
      tab="Webhook tester"
      hint="Write any event and send it to an endpoint of yours. It is signed and delivered as a real one; what it tells never happened."
    >
      <Loaded
        query={query}
        skeleton={
          <Card>
            <SkeletonRows rows={5} />
          </Card>
        }
      >
        {({ data }) => {
          const enabled = data.filter((each) => each.status === "enabled");
          if (!can("endpoints:write")) return <NotAllowed what="send test events" />;
          if (enabled.length > 0) return <Compose endpoints={enabled} />;
          return (
            <div className="rounded-xl border border-border bg-surface">
              <Empty
                icon={<Webhook />}
                title="No endpoint to send to"
                action={
                  <Button asChild look="primary">
                    <Link to="/webhooks">Add an endpoint</Link>
                  </Button>
                }
              >
                Add the address where your server listens, then come back and send it any event.
              </Empty>
            </div>
          );
        }}
      </Loaded>
    </TestingPage>
  );
}

function Compose({ endpoints }: { endpoints: Endpoints["data"] }) {
  const search = Route.useSearch();
  const navigate = Route.useNavigate();
  const types = api.useQuery("get", "/api/v1/event_types", {}, { staleTime: Number.POSITIVE_INFINITY });
  const endpoint = endpoints.find((each) => each.id === one(search.endpoint)) ?? endpoints[0]!;
  const type = one(search.type) ?? "payment.success";
  const shown = api.useQuery(
    "get",
    "/api/v1/event_types/{event_type}",
    { params: { path: { event_type: type as never } } },
    { staleTime: Number.POSITIVE_INFINITY },
  );
  const [sent, setSent] = useState<Delivery | null>(null);
  const change = (to: Record<string, string>) =>
    void navigate({ search: { ...search, ...to } as never, replace: true, resetScroll: false });
  return (
    <>
      <Card title="The event">
        <div className="grid grid-cols-[minmax(0,1fr)] gap-4">
          <div className="grid gap-4 sm:grid-cols-2">
            <Field label="Endpoint">
              <Select value={endpoint.id} onChange={(event) => change({ endpoint: event.target.value })}>
                {endpoints.map((each) => (
                  <option key={each.id} value={each.id}>
                    {each.url}
                  </option>
                ))}
              </Select>
            </Field>
            <Field label="Event type">
              <Select value={type} onChange={(event) => change({ type: event.target.value })}>
                {(types.data?.data ?? [{ type }]).map((each) => (
                  <option key={each.type} value={each.type}>
                    {each.type}
                  </option>
                ))}
              </Select>
            </Field>
          </div>
          <Loaded query={shown}>
            {(found) => (
              <>
                <p className="text-[13px] text-subtle">
                  <Prose text={found.description} /> It is sent also when the endpoint does not subscribe to this type.
                </p>
                <DataEditor
                  key={type}
                  type={type}
                  example={found.test_data}
                  endpointId={endpoint.id}
                  onSent={setSent}
                />
              </>
            )}
          </Loaded>
        </div>
      </Card>
      {sent && <Tested key={sent.id} deliveryId={sent.id} />}
    </>
  );
}
