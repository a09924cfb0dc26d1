import { Link } from "@tanstack/react-router";
import { CircleCheck, CircleDashed } from "lucide-react";
import { api } from "@/api/client";
import type { components } from "@/api/schema";
import { OF_INSTALLATION, STEPS } from "@/features/home/steps";
import { named } from "@/lib/words";
import { useSession } from "@/session";
import { Card } from "@/ui/card";
import { Prose } from "@/ui/prose";
import { Loaded } from "@/ui/states";

export function useChecklist() {
  const { can } = useSession();
  return api.useQuery("get", "/api/v1/gateways/checklist", {}, { staleTime: 60_000, enabled: can("gateways:read") });
}

/** What is missing until real money can move. Each line is ticked by what is true, not by a click. */
export function GoLiveChecklist() {
  const query = useChecklist();
  if (query.data?.ready) return null;
  return (
    <Card
      title="Until the first live payment"
      hint="From a test payment to real money. Each line is ticked by what is true now."
      action={
        query.data && (
          <span className="numeric text-[13px] text-subtle">
            {query.data.data.filter((item) => item.done).length} of {query.data.data.length}
          </span>
        )
      }
    >
      <Loaded query={query}>
        {({ data }) => (
          <ul className="grid grid-cols-[minmax(0,1fr)] gap-x-8 gap-y-3 md:grid-cols-2">
            {data.map((item) => (
              <li key={item.name} className="flex gap-2.5">
                {item.done ? (
                  <CircleCheck role="img" aria-label="Done" className="mt-0.5 size-4 shrink-0 text-success" />
                ) : (
                  <CircleDashed role="img" aria-label="Open" className="mt-0.5 size-4 shrink-0 text-subtle" />
                )}
                <div className="min-w-0">
                  <p className={item.done ? "text-subtle" : "font-medium"} title={named(item.name)}>
                    {item.what}
                  </p>
                  {!item.done && <NextStep item={item} />}
                </div>
              </li>
            ))}
          </ul>
        )}
      </Loaded>
    </Card>
  );
}

/** What to do for a line that is open, with the page where it is done. */
function NextStep({ item }: { item: components["schemas"]["ChecklistItem"] }) {
  const step = STEPS[item.name];
  const how = step?.how ?? item.how;
  return (
    <p className="mt-0.5 text-[13px] break-words text-subtle">
      {OF_INSTALLATION.has(item.name) && "The operator of this installation does this. "}
      {how && <Prose text={how} />}{" "}
      {step && (
        <Link to={step.to} className="font-medium whitespace-nowrap text-primary underline underline-offset-2">
          {step.label}
        </Link>
      )}
    </p>
  );
}
