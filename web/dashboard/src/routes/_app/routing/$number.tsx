import { createFileRoute, Link } from "@tanstack/react-router";
import { Pencil, Power } from "lucide-react";
import { useState } from "react";
import { api } from "@/api/client";
import { ApiError } from "@/api/errors";
import { useActorNames } from "@/features/actors";
import { Elsewhere } from "@/features/elsewhere";
import { DryRun } from "@/features/routing/dry-run";
import { Explain } from "@/features/routing/explain";
import { completed, type Version } from "@/features/routing/program";
import { RulesInWords } from "@/features/routing/rules-in-words";
import { SwitchOnDialog } from "@/features/routing/switch-on-dialog";
import { Warnings } from "@/features/routing/warnings";
import { fullTime } from "@/lib/time";
import { Allowed } from "@/session";
import { Status } from "@/ui/badge";
import { Button } from "@/ui/button";
import { Card } from "@/ui/card";
import { Fact, Facts, Page } from "@/ui/page";
import { Loaded } from "@/ui/states";

export const Route = createFileRoute("/_app/routing/$number")({ component: VersionPage });

function VersionPage() {
  const { number } = Route.useParams();
  const [switching, setSwitching] = useState(false);
  const query = api.useQuery("get", "/api/v1/routing/versions/{number}", {
    params: { path: { number: Number(number) } },
  });
  if (query.error instanceof ApiError && [404, 422].includes(query.error.status))
    return <Elsewhere what="version" id={number} />;
  const version = query.data;
  return (
    <Page
      tab={`Version ${number}`}
      above={
        <Link to={"/routing" as string} className="text-[13px] text-subtle hover:underline">
          Routing
        </Link>
      }
      title={
        <span className="flex flex-wrap items-center gap-3">
          Version {number}
          {version && (
            <span className="text-sm font-normal tracking-normal">
              <Status value={version.status} />
            </span>
          )}
        </span>
      }
      actions={
        version && (
          <Allowed permission="routing:write">
            <Button asChild>
              <Link to={"/routing/new" as string} search={{ from: number } as never}>
                <Pencil aria-hidden /> Edit as a new version
              </Link>
            </Button>
            {version.status !== "active" && (
              <Button look="primary" onClick={() => setSwitching(true)}>
                <Power aria-hidden /> Switch on
              </Button>
            )}
          </Allowed>
        )
      }
    >
      <Loaded query={query}>
        {(found) => (
          <>
            <FactsOf version={found} />
            <Card title="Rules">
              <Warnings program={found.program} />
              <RulesInWords program={completed(found.program)} />
            </Card>
            <DryRun key={found.number} number={found.number} isActive={found.status === "active"} />
            <Explain version={found.number} program={completed(found.program)} />
          </>
        )}
      </Loaded>
      {switching && version && <SwitchOnDialog number={version.number} onClose={() => setSwitching(false)} />}
    </Page>
  );
}

function FactsOf({ version }: { version: Version }) {
  const actor = useActorNames();
  return (
    <Card title="Facts">
      <Facts>
        <Fact name="Note">
          <span dir="auto">{version.note ?? "–"}</span>
        </Fact>
        <Fact name="Made by">
          <span dir="auto" title={version.created_by}>
            {actor(version.created_by)}
          </span>
        </Fact>
        <Fact name="Made">{fullTime(version.created_at)}</Fact>
        <Fact name="Last switched on">{version.activated_at ? fullTime(version.activated_at) : "Never"}</Fact>
        {version.retired_at && <Fact name="Switched off">{fullTime(version.retired_at)}</Fact>}
      </Facts>
    </Card>
  );
}
