import { createFileRoute, Link } from "@tanstack/react-router";
import { Send } from "lucide-react";
import { api } from "@/api/client";
import { useSession } from "@/session";
import { Button } from "@/ui/button";
import { Card } from "@/ui/card";
import { Json } from "@/ui/code";
import { Page } from "@/ui/page";
import { Prose } from "@/ui/prose";
import { Loaded } from "@/ui/states";

export const Route = createFileRoute("/_app/developers/events/$noun/$verb")({ component: EventTypePage });

function EventTypePage() {
  // In two parts: a server takes the last part of an address for a file when it has a dot.
  const { noun, verb } = Route.useParams();
  const type = `${noun}.${verb}`;
  const { mode, can } = useSession();
  const query = api.useQuery(
    "get",
    "/api/v1/event_types/{event_type}",
    { params: { path: { event_type: type as never } } },
    { staleTime: Number.POSITIVE_INFINITY },
  );
  return (
    <Page
      tab={type}
      title={<span className="font-mono text-lg break-all">{type}</span>}
      hint={query.data && <Prose text={query.data.description} />}
      above={
        <Link to="/developers/events" className="text-[13px] text-subtle hover:underline">
          Event catalogue
        </Link>
      }
      actions={
        mode === "test" &&
        can("endpoints:write") && (
          <Button asChild>
            <Link to="/testing/webhooks" search={{ type } as never}>
              <Send aria-hidden /> Send it to an endpoint
            </Link>
          </Button>
        )
      }
    >
      <Loaded query={query}>
        {(found) => (
          <div className="grid grid-cols-[minmax(0,1fr)] gap-4 sm:gap-5 lg:grid-cols-[repeat(2,minmax(0,1fr))]">
            <Card title="Example" hint="The whole body of the webhook. Nothing in it exists.">
              <Json value={found.example} label={`Example of ${type}`} />
            </Card>
            <Card title="JSON schema" hint="2020-12. Ignore fields that you do not know: later versions may add some.">
              <Json value={found.body_schema} label={`JSON schema of ${type}`} />
            </Card>
          </div>
        )}
      </Loaded>
    </Page>
  );
}
