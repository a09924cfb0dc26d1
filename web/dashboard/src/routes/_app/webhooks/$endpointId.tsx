import { useQueryClient } from "@tanstack/react-query";
import { createFileRoute, Link, useNavigate } from "@tanstack/react-router";
import { KeyRound, Pencil, Send } from "lucide-react";
import { useState } from "react";
import { api } from "@/api/client";
import { ApiError, messageOf } from "@/api/errors";
import { Elsewhere } from "@/features/elsewhere";
import { EndpointDialog, writtenIntervals } from "@/features/webhooks/endpoint-dialog";
import { RecentDeliveries } from "@/features/webhooks/recent-deliveries";
import { RecoverDialog } from "@/features/webhooks/recover-dialog";
import { RotateDialog } from "@/features/webhooks/rotate-dialog";
import { SecretDialog } from "@/features/webhooks/secret-dialog";
import { toast } from "@/lib/toast";
import { Allowed } from "@/session";
import { usePolling } from "@/shell/live";
import { Badge, Status } from "@/ui/badge";
import { Button } from "@/ui/button";
import { Card } from "@/ui/card";
import { Copyable } from "@/ui/copy";
import { Until } from "@/ui/countdown";
import { Dialog, DialogActions } from "@/ui/dialog";
import { Moment } from "@/ui/moment";
import { Fact, Facts, Page } from "@/ui/page";
import { Loaded } from "@/ui/states";

export const Route = createFileRoute("/_app/webhooks/$endpointId")({ component: EndpointPage });

type Open = "edit" | "rotate" | "recover" | "delete" | null;

function EndpointPage() {
  const { endpointId } = Route.useParams();
  const path = { params: { path: { endpoint_id: endpointId } } };
  const query = api.useQuery("get", "/api/v1/webhook_endpoints/{endpoint_id}", path, { refetchInterval: usePolling() });
  const queries = useQueryClient();
  const navigate = useNavigate();
  const change = api.useMutation("patch", "/api/v1/webhook_endpoints/{endpoint_id}");
  const remove = api.useMutation("delete", "/api/v1/webhook_endpoints/{endpoint_id}");
  const test = api.useMutation("post", "/api/v1/webhook_endpoints/{endpoint_id}/test");
  const [open, setOpen] = useState<Open>(null);
  const [secret, setSecret] = useState<string | null>(null);
  if (query.error instanceof ApiError && query.error.status === 404) {
    return <Elsewhere what="webhook endpoint" id={endpointId} />;
  }
  const endpoint = query.data;
  const close = () => setOpen(null);
  const failed = (text: string) => (error: unknown) => toast.error(text, messageOf(error));

  return (
    <Page
      tab="Webhook endpoint"
      title={
        <span dir="ltr" className="break-all">
          {endpoint?.url ?? "Webhook endpoint"}
        </span>
      }
      hint={endpoint?.description ? <span dir="auto">{endpoint.description}</span> : undefined}
      above={
        <Link to={"/webhooks" as string} className="text-[13px] text-subtle hover:underline">
          Webhooks
        </Link>
      }
      actions={
        endpoint && (
          <Allowed permission="endpoints:write">
            <Button
              busy={test.isPending}
              disabled={endpoint.status !== "enabled"}
              onClick={() =>
                test.mutate(path, {
                  onSuccess: () => {
                    toast.success("A test event is on its way", "It appears below with what your server answered.");
                    void queries.invalidateQueries();
                  },
                  onError: failed("No test event was sent"),
                })
              }
            >
              <Send aria-hidden /> Send a test event
            </Button>
            <Button onClick={() => setOpen("edit")}>
              <Pencil aria-hidden /> Change
            </Button>
          </Allowed>
        )
      }
    >
      {endpoint?.status === "disabled" && (
        <p role="status" className="rounded-xl border border-warning/40 bg-warning-soft px-4 py-3 text-[13px]">
          This endpoint is disabled and receives nothing.
          {endpoint.disabled_reason && ` Reason: ${endpoint.disabled_reason}.`} Enable it, then send what it missed.
        </p>
      )}
      <Card title="Facts">
        <Loaded query={query}>
          {(found) => (
            <Facts>
              <Fact name="Status">
                <Status value={found.status} />
              </Fact>
              <Fact name="Endpoint">
                <Copyable text={found.id} what="endpoint id" />
              </Fact>
              <Fact name="Added">
                <Moment at={found.created_at} />
              </Fact>
              <Fact name="Waits between attempts">
                {found.retry_intervals_s ? writtenIntervals(found.retry_intervals_s) : "As this installation is set"}
              </Fact>
              <Fact name="Events">
                {found.event_types.includes("*") ? (
                  "All events"
                ) : (
                  <span className="flex flex-wrap gap-1">
                    {found.event_types.map((type) => (
                      <Badge key={type}>
                        <code className="font-mono">{type}</code>
                      </Badge>
                    ))}
                  </span>
                )}
              </Fact>
            </Facts>
          )}
        </Loaded>
      </Card>
      {endpoint && (
        <Allowed permission="endpoints:write">
          <Card
            title="Signing secret"
            hint="Each webhook is signed with it. It was shown when it was made, and is never shown again."
            action={
              <Button size="sm" onClick={() => setOpen("rotate")}>
                <KeyRound aria-hidden /> Rotate
              </Button>
            }
          >
            <p className="text-[13px]">
              <Until at={endpoint.previous_secret_expires_at} otherwise="One secret signs.">
                {(countdown) => (
                  <>The former secret signs beside the new one. It ends {countdown}. Deploy the new one before then.</>
                )}
              </Until>
            </p>
          </Card>
        </Allowed>
      )}
      <RecentDeliveries
        endpointId={endpointId}
        action={
          endpoint?.status === "enabled" && (
            <Allowed permission="endpoints:write">
              <Button size="sm" onClick={() => setOpen("recover")}>
                Send what was missed
              </Button>
            </Allowed>
          )
        }
      />
      {endpoint && (
        <Allowed permission="endpoints:write">
          <Card title={endpoint.status === "enabled" ? "Stop deliveries" : "Start deliveries"}>
            <div className="flex flex-wrap items-center justify-between gap-3">
              <p className="max-w-prose text-[13px] text-subtle">
                {endpoint.status === "enabled"
                  ? "A disabled endpoint receives nothing; what it misses can be sent later. A deleted one is gone, with its secret."
                  : "New events are sent from now on. Then send what was missed."}
              </p>
              <div className="flex flex-wrap gap-2">
                <Button
                  size="sm"
                  busy={change.isPending}
                  onClick={() =>
                    change.mutate(
                      { ...path, body: { status: endpoint.status === "enabled" ? "disabled" : "enabled" } as never },
                      {
                        onSuccess: (now) => {
                          toast.success(now.status === "enabled" ? "Enabled" : "Disabled");
                          void queries.invalidateQueries();
                        },
                        onError: failed("Nothing was changed"),
                      },
                    )
                  }
                >
                  {endpoint.status === "enabled" ? "Disable" : "Enable"}
                </Button>
                <Button size="sm" look="danger" onClick={() => setOpen("delete")}>
                  Delete
                </Button>
              </div>
            </div>
          </Card>
        </Allowed>
      )}
      {open === "edit" && endpoint && <EndpointDialog endpoint={endpoint} onClose={close} />}
      {open === "rotate" && endpoint && <RotateDialog endpointId={endpoint.id} onClose={close} onMade={setSecret} />}
      {open === "recover" && endpoint && <RecoverDialog endpointId={endpoint.id} onClose={close} />}
      {secret && <SecretDialog title="The new signing secret" secret={secret} onClose={() => setSecret(null)} />}
      <Dialog
        open={open === "delete"}
        onOpenChange={(to) => !to && close()}
        title="Delete the endpoint?"
        description="Nothing more is sent to it, and deliveries that wait are cancelled. Its past deliveries can still be read. This cannot be undone."
      >
        <DialogActions>
          <Button onClick={close}>Cancel</Button>
          <Button
            look="danger"
            busy={remove.isPending}
            onClick={() =>
              remove.mutate(path, {
                onSuccess: () => {
                  toast.success("Deleted");
                  void queries.invalidateQueries();
                  void navigate({ to: "/webhooks" as string });
                },
                onError: failed("Nothing was deleted"),
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
