import { Plus } from "lucide-react";
import { ConditionEditor } from "@/features/routing/condition-editor";
import { PlaceProblem } from "@/features/routing/problems";
import { DEPTH_MAX, FIELDS, replacedAt, type Statement, withoutAt } from "@/features/routing/program";
import { Button } from "@/ui/button";

const FRESH: Statement = { conditions: [FIELDS.method.fresh()], nested: [] };

/** Statements of which one must hold. Each is a list of conditions that must all hold. */
export function StatementsEditor({
  statements,
  place,
  depth = 1,
  onChange,
}: {
  statements: readonly Statement[];
  place: string;
  depth?: number;
  onChange: (statements: Statement[]) => void;
}) {
  return (
    <div className="grid gap-3">
      {statements.map((statement, index) => (
        <div key={index} className="grid gap-3">
          {index > 0 && <p className="text-[13px] font-semibold">or</p>}
          <StatementEditor
            statement={statement}
            place={`${place}.${index}`}
            depth={depth}
            onChange={(next) =>
              onChange(
                next.conditions.length || next.nested.length
                  ? replacedAt(statements, index, next)
                  : withoutAt(statements, index),
              )
            }
          />
        </div>
      ))}
      <div>
        <Button size="sm" onClick={() => onChange([...statements, FRESH])}>
          <Plus aria-hidden /> {statements.length === 0 ? "Condition" : "Or, when"}
        </Button>
      </div>
    </div>
  );
}

function StatementEditor({
  statement,
  place,
  depth,
  onChange,
}: {
  statement: Statement;
  place: string;
  depth: number;
  onChange: (statement: Statement) => void;
}) {
  const { conditions, nested } = statement;
  return (
    <fieldset className="grid min-w-0 gap-2 border-l-2 border-border pl-3">
      <legend className="sr-only">Conditions that must all hold</legend>
      <PlaceProblem place={place} />
      {conditions.map((condition, index) => (
        <ConditionEditor
          key={index}
          condition={condition}
          place={`${place}.conditions.${index}`}
          onChange={(next) => onChange({ ...statement, conditions: replacedAt(conditions, index, next) })}
          onRemove={() => onChange({ ...statement, conditions: withoutAt(conditions, index) })}
        />
      ))}
      {nested.length > 0 && (
        <div className="grid gap-2">
          <p className="text-[13px] font-semibold">and one of these</p>
          <StatementsEditor
            statements={nested}
            place={`${place}.nested`}
            depth={depth + 1}
            onChange={(next) => onChange({ ...statement, nested: next })}
          />
        </div>
      )}
      <div className="flex flex-wrap gap-2">
        <Button
          size="sm"
          look="ghost"
          onClick={() => onChange({ ...statement, conditions: [...conditions, FIELDS.method.fresh()] })}
        >
          <Plus aria-hidden /> And
        </Button>
        {nested.length === 0 && depth < DEPTH_MAX && (
          <Button size="sm" look="ghost" onClick={() => onChange({ ...statement, nested: [FRESH] })}>
            <Plus aria-hidden /> And one of
          </Button>
        )}
      </div>
    </fieldset>
  );
}
