import { createFileRoute, Link } from "@tanstack/react-router";
import { api } from "@/api/client";
import { ApiError } from "@/api/errors";
import { Elsewhere } from "@/features/elsewhere";
import { placeOf } from "@/lib/ids";
import { fullTime } from "@/lib/time";
import { eventName } from "@/lib/words";
import { Card } from "@/ui/card";
import { Copyable, CopyButton } from "@/ui/copy";
import { Fact, Facts, Page } from "@/ui/page";
import { Loaded } from "@/ui/states";

export const Route = createFileRoute("/_app/events/$eventId")({ component: EventPage });

function EventPage() {
  const { eventId } = Route.useParams();
  const query = api.useQuery("get", "/api/v1/events/{event_id}", { params: { path: { event_id: eventId } } });
  if (query.error instanceof ApiError && query.error.status === 404) return <Elsewhere what="event" id={eventId} />;
  const subject = query.data ? String(query.data.data.id ?? "") : "";
  const place = placeOf(subject);
  const json = JSON.stringify(query.data, null, 2);
  return (
    <Page
      tab="Event"
      title={query.data ? eventName(query.data.type) : "Event"}
      above={
        <Link to="/events" className="text-[13px] text-subtle hover:underline">
          Events
        </Link>
      }
    >
      <Card title="Facts">
        <Loaded query={query}>
          {(event) => (
            <Facts>
              <Fact name="Event">
                <Copyable text={event.id} what="event id" />
              </Fact>
              <Fact name="Type">
                <Copyable text={event.type} what="event type" />
              </Fact>
              <Fact name="Time">{fullTime(event.timestamp)}</Fact>
              {subject && (
                <Fact name="About">
                  {place ? (
                    <Link to={place as string} className="font-mono text-[13px] break-all text-primary hover:underline">
                      {subject}
                    </Link>
                  ) : (
                    <Copyable text={subject} what="id" />
                  )}
                </Fact>
              )}
            </Facts>
          )}
        </Loaded>
      </Card>
      {query.data && (
        <Card
          title="Content"
          hint="What webhooks send. Personal data is left out."
          action={<CopyButton text={json} what="event" />}
        >
          <pre
            // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by the keyboard
            tabIndex={0}
            role="region"
            aria-label="The event"
            className="overflow-x-auto rounded-lg bg-muted/60 p-3 font-mono text-xs leading-relaxed"
            dir="ltr"
          >
            {json}
          </pre>
        </Card>
      )}
    </Page>
  );
}
