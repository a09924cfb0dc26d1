import { api } from "@/api/client";
import { percent } from "@/features/gateways/words";
import { ago } from "@/lib/time";
import { usePolling } from "@/shell/live";
import { Badge } from "@/ui/badge";
import { Card } from "@/ui/card";
import { Moment } from "@/ui/moment";
import { Fact, Facts } from "@/ui/page";
import { Loaded } from "@/ui/states";

const CHECKS = 60;

/** Whether a gateway passes its checks, how often it did, and the newest of them. */
export function Health({ gatewayId }: { gatewayId: string }) {
  const path = { gateway_id: gatewayId };
  const refetchInterval = usePolling();
  const health = api.useQuery("get", "/api/v1/gateways/{gateway_id}/health", { params: { path } }, { refetchInterval });
  const checks = api.useQuery(
    "get",
    "/api/v1/gateways/{gateway_id}/health/checks",
    { params: { path, query: { limit: CHECKS } } },
    { refetchInterval },
  );
  const newest = checks.data?.data ?? [];
  return (
    <Card title="Health" hint="Clearway asks the gateway every few minutes. No money moves.">
      <Loaded query={health}>
        {(found) => (
          <>
            <Facts>
              {found.uptime.map((window) => (
                <Fact key={window.window} name={`Good checks, ${window.window}`}>
                  <span className="numeric font-medium">{percent(window.uptime)}</span>{" "}
                  <span className="text-[13px] text-subtle">of {window.checks}</span>
                </Fact>
              ))}
            </Facts>
            {newest.length === 0 ? (
              <p className="mt-3 text-[13px] text-subtle">It was not checked yet. Press “Test” to ask it now.</p>
            ) : (
              <>
                <div
                  role="img"
                  aria-label={`The newest ${newest.length} checks: ${newest.filter((check) => check.ok).length} good`}
                  className="mt-4 flex h-7 items-stretch gap-px"
                >
                  {[...newest].reverse().map((check) => (
                    <span
                      key={check.id}
                      title={`${check.message} (${ago(check.created_at)})`}
                      className={`min-w-0 flex-1 rounded-sm ${check.ok ? "bg-success/70" : "bg-danger"}`}
                    />
                  ))}
                </div>
                <details className="mt-3">
                  <summary className="cursor-pointer text-[13px] text-subtle">The newest checks</summary>
                  <ul className="mt-2 grid gap-1.5 text-[13px]">
                    {newest.slice(0, 15).map((check) => (
                      <li key={check.id} className="flex flex-wrap items-center gap-x-3 gap-y-0.5">
                        <Badge tone={check.ok ? "success" : "danger"}>{check.ok ? "Good" : "Failed"}</Badge>
                        <span className="numeric text-subtle">
                          {check.latency_ms === null ? "no answer" : `${check.latency_ms} ms`}
                        </span>
                        <span dir="auto" className="min-w-0 break-words">
                          {check.message}
                        </span>
                        <span className="text-subtle">
                          <Moment at={check.created_at} />
                        </span>
                      </li>
                    ))}
                  </ul>
                </details>
              </>
            )}
          </>
        )}
      </Loaded>
    </Card>
  );
}
