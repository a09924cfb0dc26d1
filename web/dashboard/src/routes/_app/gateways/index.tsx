import { useQueryClient } from "@tanstack/react-query";
import { createFileRoute, Link } from "@tanstack/react-router";
import { ArrowDown, ArrowUp, GripVertical, Plus, Waypoints } from "lucide-react";
import { useState } from "react";
import { api } from "@/api/client";
import { messageOf } from "@/api/errors";
import type { components } from "@/api/schema";
import { ModeBadge } from "@/features/gateways/mode";
import { ConnectWizard } from "@/features/gateways/wizard";
import { kindName, methodsWords, percent } from "@/features/gateways/words";
import { toast } from "@/lib/toast";
import { Allowed, useSession } from "@/session";
import { usePolling } from "@/shell/live";
import { Badge, Status } from "@/ui/badge";
import { Button } from "@/ui/button";
import { Card } from "@/ui/card";
import { Page } from "@/ui/page";
import { Empty, Loaded } from "@/ui/states";

type Gateway = components["schemas"]["GatewayResource"];

export const Route = createFileRoute("/_app/gateways/")({ component: Gateways });

const STEP = 10;

/** By priority, as payments try them; of equals, the one created first. */
function inOrder(gateways: Gateway[]): Gateway[] {
  return [...gateways].sort((a, b) => a.priority - b.priority || a.id.localeCompare(b.id));
}

/** Which priorities must change so that a gateway comes to stand at a place. */
export function moved(gateways: Gateway[], id: string, to: number): { id: string; priority: number }[] {
  const rest = gateways.filter((each) => each.id !== id);
  const mover = gateways.find((each) => each.id === id);
  if (!mover) return [];
  rest.splice(Math.max(0, Math.min(to, rest.length)), 0, mover);
  return rest
    .map((each, index) => ({ id: each.id, priority: (index + 1) * STEP, before: each.priority }))
    .filter((each) => each.priority !== each.before)
    .map(({ id: gatewayId, priority }) => ({ id: gatewayId, priority }));
}

function Gateways() {
  const queries = useQueryClient();
  const { can } = useSession();
  const query = api.useQuery(
    "get",
    "/api/v1/gateways",
    { params: { query: { limit: 100 } } },
    { refetchInterval: usePolling() },
  );
  const performance = api.useQuery("get", "/api/v1/gateways/performance", { params: { query: { by: "gateway" } } });
  const change = api.useMutation("patch", "/api/v1/gateways/{gateway_id}");
  const enable = api.useMutation("post", "/api/v1/gateways/{gateway_id}/enable");
  const disable = api.useMutation("post", "/api/v1/gateways/{gateway_id}/disable");
  const [adding, setAdding] = useState(false);
  const [dragged, setDragged] = useState<string | null>(null);
  const [said, setSaid] = useState("");
  const gateways = inOrder(query.data?.data ?? []);
  const writes = can("gateways:write");
  const figures = new Map(performance.data?.data.map((group) => [group.group, group]));

  async function move(id: string, to: number) {
    const name = gateways.find((each) => each.id === id)?.name ?? "";
    try {
      for (const { id: gatewayId, priority } of moved(gateways, id, to)) {
        await change.mutateAsync({
          params: { path: { gateway_id: gatewayId } },
          body: { priority, test: false } as never,
        });
      }
      setSaid(`${name} is now number ${to + 1}`);
    } catch (error) {
      toast.error("The order was not saved as a whole", messageOf(error));
    }
    await queries.invalidateQueries();
  }

  function toggle(gateway: Gateway) {
    (gateway.enabled ? disable : enable).mutate(
      { params: { path: { gateway_id: gateway.id } } },
      {
        onSuccess: () => {
          toast.success(gateway.enabled ? "Disabled: new payments avoid it" : "Enabled");
          void queries.invalidateQueries();
        },
        onError: (error: unknown) => toast.error("Nothing was changed", messageOf(error)),
      },
    );
  }

  const add = (
    <Allowed permission="gateways:write">
      <Button look="primary" onClick={() => setAdding(true)}>
        <Plus aria-hidden /> Connect a gateway
      </Button>
    </Allowed>
  );
  return (
    <Page
      title="Gateways"
      tab="Gateways"
      hint="Who carries out your payments. Without a routing rule, they are tried in this order."
      actions={gateways.length > 0 ? add : undefined}
    >
      <p aria-live="polite" className="sr-only">
        {said}
      </p>
      <Loaded query={query}>
        {() =>
          gateways.length === 0 ? (
            <Card>
              <Empty icon={<Waypoints />} title="No gateway is connected" action={add}>
                Connect one with its credentials. Clearway tries them before they are saved.
              </Empty>
            </Card>
          ) : (
            <ol className="grid gap-3">
              {gateways.map((gateway, index) => (
                <li
                  key={gateway.id}
                  draggable={writes}
                  onDragStart={() => setDragged(gateway.id)}
                  onDragEnd={() => setDragged(null)}
                  onDragOver={(event) => dragged && event.preventDefault()}
                  onDrop={() => dragged && dragged !== gateway.id && void move(dragged, index)}
                  className={`relative flex flex-wrap items-center gap-x-4 gap-y-3 rounded-xl border border-border bg-surface px-4 py-4 sm:px-5 ${dragged === gateway.id ? "opacity-50" : ""}`}
                >
                  {writes && (
                    <GripVertical aria-hidden className="size-4 shrink-0 cursor-grab text-subtle max-sm:hidden" />
                  )}
                  <div className="min-w-0 flex-1 basis-52">
                    <div className="flex flex-wrap items-center gap-2">
                      <Link
                        to={`/gateways/${gateway.id}` as string}
                        dir="auto"
                        className="min-w-0 text-left font-semibold break-words hover:underline"
                      >
                        {gateway.name}
                      </Link>
                      <ModeBadge mode={gateway.mode} />
                      {!gateway.enabled ? (
                        <Badge>Disabled</Badge>
                      ) : gateway.health === "unknown" ? (
                        <Badge>Not checked yet</Badge>
                      ) : (
                        <Status value={gateway.health} />
                      )}
                    </div>
                    <p className="mt-0.5 text-[13px] text-subtle">
                      {kindName(gateway.kind)} · number {index + 1}
                      {gateway.methods && ` · only ${methodsWords(gateway.methods)}`}
                    </p>
                  </div>
                  <dl className="flex gap-6 text-[13px]">
                    <div>
                      <dt className="text-subtle">Approved, 24 h</dt>
                      <dd className="numeric font-medium">{percent(figures.get(gateway.id)?.success_rate)}</dd>
                    </div>
                    <div>
                      <dt className="text-subtle">Errors, 24 h</dt>
                      <dd className="numeric font-medium">{percent(figures.get(gateway.id)?.technical_error_rate)}</dd>
                    </div>
                  </dl>
                  {writes && (
                    <div className="flex items-center gap-1">
                      <Button
                        look="ghost"
                        size="icon"
                        aria-label={`Move ${gateway.name} up`}
                        disabled={index === 0 || change.isPending}
                        onClick={() => void move(gateway.id, index - 1)}
                      >
                        <ArrowUp aria-hidden />
                      </Button>
                      <Button
                        look="ghost"
                        size="icon"
                        aria-label={`Move ${gateway.name} down`}
                        disabled={index === gateways.length - 1 || change.isPending}
                        onClick={() => void move(gateway.id, index + 1)}
                      >
                        <ArrowDown aria-hidden />
                      </Button>
                      <Button size="sm" busy={enable.isPending || disable.isPending} onClick={() => toggle(gateway)}>
                        {gateway.enabled ? "Disable" : "Enable"}
                      </Button>
                    </div>
                  )}
                </li>
              ))}
            </ol>
          )
        }
      </Loaded>
      {adding && <ConnectWizard onClose={() => setAdding(false)} />}
    </Page>
  );
}
