import { useQueryClient } from "@tanstack/react-query";
import { createFileRoute, Link, useBlocker, useNavigate } from "@tanstack/react-router";
import { useRef, useState } from "react";
import { api } from "@/api/client";
import { messageOf } from "@/api/errors";
import { useGateways } from "@/features/gateways/names";
import { ProgramEditor } from "@/features/routing/editor";
import { completed, type Problem, type Program, problemsOf } from "@/features/routing/program";
import { asSearch } from "@/lib/list-route";
import { one } from "@/lib/search";
import { toast } from "@/lib/toast";
import { Allowed } from "@/session";
import { Button } from "@/ui/button";
import { Card } from "@/ui/card";
import { Field, Input } from "@/ui/field";
import { Page } from "@/ui/page";
import { Empty, Loaded } from "@/ui/states";

export const Route = createFileRoute("/_app/routing/new")({ validateSearch: asSearch, component: NewVersion });

const EMPTY = completed({});

function NewVersion() {
  const from = Number(one(Route.useSearch().from) ?? 0);
  const base = api.useQuery(
    "get",
    "/api/v1/routing/versions/{number}",
    { params: { path: { number: from } } },
    { enabled: from > 0, staleTime: Number.POSITIVE_INFINITY },
  );
  const gateways = useGateways();
  return (
    <Page
      title="New version"
      tab="New version"
      above={
        <Link to={"/routing" as string} className="text-[13px] text-subtle hover:underline">
          Routing
        </Link>
      }
      hint={
        from > 0
          ? `It begins as version ${from}, which stays as it is. A draft routes nothing until it is switched on.`
          : "A draft routes nothing until it is switched on."
      }
    >
      <Allowed
        permission="routing:write"
        otherwise={
          <Card>
            <Empty title="Your role reads routing rules, and does not write them">
              Ask an owner, an administrator or a developer of your business.
            </Empty>
          </Card>
        }
      >
        <Loaded query={gateways}>
          {() =>
            from > 0 ? (
              <Loaded query={base}>{(version) => <Draft start={completed(version.program)} />}</Loaded>
            ) : (
              <Draft start={EMPTY} />
            )
          }
        </Loaded>
      </Allowed>
    </Page>
  );
}

function Draft({ start }: { start: Program }) {
  const queries = useQueryClient();
  const navigate = useNavigate();
  const check = api.useMutation("post", "/api/v1/routing/validate");
  const create = api.useMutation("post", "/api/v1/routing/versions");
  const [program, setProgram] = useState(start);
  const [note, setNote] = useState("");
  const [problems, setProblems] = useState<Problem[]>([]);
  const [failure, setFailure] = useState<string | null>(null);
  const saved = useRef(false);
  const isDirty = program !== start;
  useBlocker({
    shouldBlockFn: () => isDirty && !saved.current && !window.confirm("Leave without saving these rules?"),
    enableBeforeUnload: () => isDirty && !saved.current,
  });

  async function save() {
    setFailure(null);
    try {
      const checked = await check.mutateAsync({ body: { program: program as never } });
      setProblems(problemsOf(checked.problems, program));
      if (!checked.valid) return;
      const made = await create.mutateAsync({ body: { program, ...(note.trim() ? { note: note.trim() } : {}) } });
      saved.current = true;
      toast.success(`Version ${made.number} is saved`, "Try it, then switch it on.");
      await queries.invalidateQueries();
      await navigate({ to: `/routing/${made.number}` as string });
    } catch (error) {
      setFailure(messageOf(error));
    }
  }

  return (
    <>
      <ProgramEditor program={program} problems={problems} onChange={setProgram} />
      <div className="sticky bottom-0 z-10 -mx-3 grid gap-3 border-t border-border bg-raised px-3 py-3 sm:-mx-6 sm:px-6">
        {problems.length > 0 && (
          <div role="alert" className="text-[13px]">
            <p className="font-medium text-danger">
              Nothing was saved: {problems.length === 1 ? "one thing is" : `${problems.length} things are`} to correct.
            </p>
            <ul className="mt-1 max-h-24 overflow-y-auto">
              {problems.slice(0, 20).map((each) => (
                <li key={`${each.place} ${each.text}`} className="break-words">
                  {placeWords(each.place, program)}: {each.text}
                </li>
              ))}
            </ul>
          </div>
        )}
        {failure && (
          <p role="alert" className="text-[13px] text-danger">
            {failure}
          </p>
        )}
        <div className="flex flex-wrap items-end gap-3">
          <Field label="Note (optional)" className="min-w-0 flex-1 basis-full sm:basis-48">
            <Input
              dir="auto"
              maxLength={255}
              placeholder="Why this version"
              value={note}
              onChange={(event) => setNote(event.target.value)}
            />
          </Field>
          <Button asChild className="max-sm:flex-1">
            <Link to={"/routing" as string}>Cancel</Link>
          </Button>
          <Button
            look="primary"
            className="max-sm:flex-1"
            busy={check.isPending || create.isPending}
            onClick={() => void save()}
          >
            Save draft
          </Button>
        </div>
      </div>
    </>
  );
}

/** `rules.1.output.shares` as "Rule 2 (Large cards), output". */
function placeWords(place: string, program: Program): string {
  const [head, index, part] = place.split(".");
  if (head !== "rules" || index === undefined) return head === "default" ? "Payments that no rule fits" : "The rules";
  const name = program.rules[Number(index)]?.name;
  return `Rule ${Number(index) + 1}${name ? ` (${name})` : ""}${part ? `, ${part}` : ""}`;
}
