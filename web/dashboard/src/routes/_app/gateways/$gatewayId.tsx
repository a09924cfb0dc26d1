import { useQueryClient } from "@tanstack/react-query";
import { createFileRoute, Link, useNavigate } from "@tanstack/react-router";
import { FlaskConical, Pencil } from "lucide-react";
import { useState } from "react";
import { api } from "@/api/client";
import { ApiError, messageOf } from "@/api/errors";
import { Elsewhere } from "@/features/elsewhere";
import { ChangeDialog } from "@/features/gateways/change-dialog";
import { Health } from "@/features/gateways/health";
import { InboundEvents } from "@/features/gateways/inbound-events";
import { Abilities } from "@/features/gateways/methods";
import { ModeBadge } from "@/features/gateways/mode";
import { Performance } from "@/features/gateways/performance";
import { kindName } from "@/features/gateways/words";
import { toast } from "@/lib/toast";
import { named } from "@/lib/words";
import { Allowed } from "@/session";
import { usePolling } from "@/shell/live";
import { Badge, Status } from "@/ui/badge";
import { Button } from "@/ui/button";
import { Card } from "@/ui/card";
import { Copyable } from "@/ui/copy";
import { Dialog, DialogActions } from "@/ui/dialog";
import { Moment } from "@/ui/moment";
import { Fact, Facts, Page } from "@/ui/page";
import { Loaded } from "@/ui/states";

export const Route = createFileRoute("/_app/gateways/$gatewayId")({ component: GatewayPage });

function GatewayPage() {
  const { gatewayId } = Route.useParams();
  const path = { params: { path: { gateway_id: gatewayId } } };
  const query = api.useQuery("get", "/api/v1/gateways/{gateway_id}", path, { refetchInterval: usePolling() });
  const queries = useQueryClient();
  const navigate = useNavigate();
  const test = api.useMutation("post", "/api/v1/gateways/{gateway_id}/test");
  const remove = api.useMutation("delete", "/api/v1/gateways/{gateway_id}");
  const [open, setOpen] = useState<"change" | "delete" | null>(null);
  if (query.error instanceof ApiError && query.error.status === 404) return <Elsewhere what="gateway" id={gatewayId} />;
  const gateway = query.data;

  function tryIt() {
    test.mutate(path, {
      onSuccess: (result) => {
        const words = [result.message, ...result.warnings].join(" ");
        if (result.ok) toast.success("It answers", words);
        else toast.error("It does not work", words);
        void queries.invalidateQueries();
      },
      onError: (error: unknown) => toast.error("It was not tested", messageOf(error)),
    });
  }

  return (
    <Page
      tab={gateway?.name ?? "Gateway"}
      title={<span dir="auto">{gateway?.name ?? "Gateway"}</span>}
      above={
        <Link to={"/gateways" as string} className="text-[13px] text-subtle hover:underline">
          Gateways
        </Link>
      }
      actions={
        gateway && (
          <Allowed permission="gateways:write">
            <Button busy={test.isPending} onClick={tryIt}>
              <FlaskConical aria-hidden /> Test
            </Button>
            <Button onClick={() => setOpen("change")}>
              <Pencil aria-hidden /> Change
            </Button>
          </Allowed>
        )
      }
    >
      <Card title="Facts">
        <Loaded query={query}>
          {(found) => (
            <Facts>
              <Fact name="Status">
                {!found.enabled ? (
                  <Badge>Disabled</Badge>
                ) : found.health === "unknown" ? (
                  <Badge>Not checked yet</Badge>
                ) : (
                  <Status value={found.health} />
                )}
              </Fact>
              <Fact name="Kind">{kindName(found.kind)}</Fact>
              <Fact name="Mode">
                <ModeBadge mode={found.mode} />
              </Fact>
              <Fact name="Gateway">
                <Copyable text={found.id} what="gateway id" />
              </Fact>
              <Fact name="Connected">
                <Moment at={found.created_at} />
              </Fact>
              {Object.entries(found.credentials).map(([name, end]) => (
                <Fact key={name} name={named(name)}>
                  <code className="font-mono text-[13px]">{end ? `…${end}` : "set"}</code>
                </Fact>
              ))}
              <Fact name="Webhooks may come from">
                {found.allowed_networks.length
                  ? found.allowed_networks.join(", ")
                  : "Any address; signatures are checked"}
              </Fact>
            </Facts>
          )}
        </Loaded>
      </Card>
      {gateway && (
        <Card title="What it is for" hint="A payment that it cannot take, or may not, goes to your other gateways.">
          <p className="text-[13px] text-subtle">Payment methods</p>
          <ul className="mt-1.5 mb-4 flex flex-wrap gap-2">
            {gateway.capabilities.methods.map((method) => (
              <li key={method}>
                {gateway.methods === null || gateway.methods.includes(method) ? (
                  <Badge tone="success">{named(method)}</Badge>
                ) : (
                  <Badge>{named(method)}: not used</Badge>
                )}
              </li>
            ))}
          </ul>
          <Abilities capabilities={gateway.capabilities} />
        </Card>
      )}
      {gateway && (
        <Card
          title="Webhook address"
          hint="Enter it at the gateway, so that it reports what happens. Without it, payments are found out by polling."
        >
          <Copyable
            text={gateway.webhook_url}
            what="webhook address"
            className="[&_code]:break-all [&_code]:whitespace-normal"
          />
        </Card>
      )}
      <Health gatewayId={gatewayId} />
      <Performance gatewayId={gatewayId} />
      <Allowed permission="gateway_events:read">
        <InboundEvents gatewayId={gatewayId} />
      </Allowed>
      {gateway && (
        <Allowed permission="gateways:write">
          <Card title="Delete the gateway">
            <div className="flex flex-wrap items-center justify-between gap-3">
              <p className="max-w-prose text-[13px] text-subtle">
                Its credentials are removed for good. It can be deleted when none of its payments or refunds is open. To
                stop new payments only, disable it.
              </p>
              <Button size="sm" look="danger" onClick={() => setOpen("delete")}>
                Delete
              </Button>
            </div>
          </Card>
        </Allowed>
      )}
      {open === "change" && gateway && <ChangeDialog gateway={gateway} onClose={() => setOpen(null)} />}
      <Dialog
        open={open === "delete"}
        onOpenChange={(to) => !to && setOpen(null)}
        title="Delete the gateway?"
        description="Its credentials are removed, and this cannot be undone. Past payments stay."
      >
        {remove.error && (
          <p role="alert" className="text-[13px] text-danger">
            {messageOf(remove.error)}
          </p>
        )}
        <DialogActions>
          <Button onClick={() => setOpen(null)}>Cancel</Button>
          <Button
            look="danger"
            busy={remove.isPending}
            onClick={() =>
              remove.mutate(path, {
                onSuccess: () => {
                  toast.success("Deleted");
                  void queries.invalidateQueries();
                  void navigate({ to: "/gateways" as string });
                },
              })
            }
          >
            Delete
          </Button>
        </DialogActions>
      </Dialog>
    </Page>
  );
}
