import { useGatewayNames } from "@/features/gateways/names";
import type { Program } from "@/features/routing/program";
import { outputWords, whenWords } from "@/features/routing/words";
import { Badge } from "@/ui/badge";

/** A program as people read it. */
export function RulesInWords({ program }: { program: Program }) {
  const name = useGatewayNames();
  return (
    <div className="grid gap-4">
      {program.rules.length === 0 ? (
        <p className="text-[13px] text-subtle">It has no rules: every payment goes where its last line says.</p>
      ) : (
        <ol className="grid gap-3">
          {program.rules.map((rule, index) => (
            <li key={rule.name} className="grid grid-cols-[1.75rem_minmax(0,1fr)]">
              <span className="numeric text-[13px] text-subtle">{index + 1}</span>
              <div className="min-w-0">
                <p className="flex flex-wrap items-center gap-2">
                  <strong dir="auto" className="min-w-0 font-medium break-words">
                    {rule.name}
                  </strong>
                  {rule.otherwise === "refuse" && <Badge>Else refused</Badge>}
                  {rule.fixed_order && <Badge>Fixed order</Badge>}
                </p>
                <p className="mt-0.5 text-[13px] break-words">
                  {whenWords(rule).map((words, at) => (
                    <span key={words} className="block">
                      <span className="text-subtle">{at === 0 ? "When" : "or when"}</span> {words}
                    </span>
                  ))}
                  <span className="text-subtle">to</span> <span dir="auto">{outputWords(rule.output, name)}</span>
                </p>
              </div>
            </li>
          ))}
        </ol>
      )}
      <p className="border-t border-border pt-3 text-[13px]">
        <span className="text-subtle">All other payments go to</span>{" "}
        <span dir="auto">
          {program.default ? outputWords(program.default, name) : "your enabled gateways, by their priority"}
        </span>
        . <span className="text-subtle">At most {program.gateways_max} are named for one payment.</span>
        {program.success_rate && (
          <span className="text-subtle"> A gateway whose approvals break down is put last.</span>
        )}
      </p>
    </div>
  );
}
