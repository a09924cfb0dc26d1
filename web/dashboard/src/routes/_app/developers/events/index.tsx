import { createFileRoute, Link } from "@tanstack/react-router";
import { api } from "@/api/client";
import type { components } from "@/api/schema";
import { DeveloperTabs } from "@/features/developers/tabs";
import { named } from "@/lib/words";
import { Card } from "@/ui/card";
import { Page } from "@/ui/page";
import { Prose } from "@/ui/prose";
import { Loaded, SkeletonRows } from "@/ui/states";

export const Route = createFileRoute("/_app/developers/events/")({ component: Catalogue });

type Summary = components["schemas"]["EventTypeSummary"];

function byNoun(types: Summary[]): [noun: string, types: Summary[]][] {
  const nouns = [...new Set(types.map((each) => each.type.split(".")[0] ?? ""))];
  return nouns.map((noun) => [noun, types.filter((each) => each.type.startsWith(`${noun}.`))]);
}

function Catalogue() {
  const query = api.useQuery("get", "/api/v1/event_types", {}, { staleTime: Number.POSITIVE_INFINITY });
  return (
    <Page
      title="Developers"
      tab="Event catalogue"
      hint="What Clearway can send to your webhook endpoints. Answer 2xx to types that you do not know: more may come."
    >
      <DeveloperTabs />
      <Loaded
        query={query}
        skeleton={
          <Card>
            <SkeletonRows />
          </Card>
        }
      >
        {({ data }) =>
          byNoun(data).map(([noun, types]) => (
            <Card key={noun} title={named(noun)} flush>
              <ul className="divide-y divide-border border-t border-border">
                {types.map((each) => (
                  <li
                    key={each.type}
                    className="relative grid gap-x-6 gap-y-0.5 px-4 py-2.5 hover:bg-muted/60 sm:grid-cols-[15rem_minmax(0,1fr)] sm:px-5"
                  >
                    <Link
                      to="/developers/events/$noun/$verb"
                      params={{ noun, verb: each.type.slice(noun.length + 1) }}
                      className="font-mono text-[13px] break-words text-primary outline-none after:absolute after:inset-0 after:content-[''] focus-visible:after:outline-2 focus-visible:after:-outline-offset-2 focus-visible:after:outline-ring"
                    >
                      {each.type}
                    </Link>
                    <p className="text-[13px] text-subtle">
                      <Prose text={each.description} />
                    </p>
                  </li>
                ))}
              </ul>
            </Card>
          ))
        }
      </Loaded>
    </Page>
  );
}
