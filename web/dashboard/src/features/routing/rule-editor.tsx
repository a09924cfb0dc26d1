import { ArrowDown, ArrowUp, ChevronDown, Copy, GripVertical, Trash2 } from "lucide-react";
import { useGatewayNames } from "@/features/gateways/names";
import { OutputEditor } from "@/features/routing/output-editor";
import { useHasProblem, useProblem } from "@/features/routing/problems";
import type { Rule } from "@/features/routing/program";
import { StatementsEditor } from "@/features/routing/statement-editor";
import { outputWords, whenWords } from "@/features/routing/words";
import { cn } from "@/lib/cn";
import { Badge } from "@/ui/badge";
import { Button } from "@/ui/button";
import { Checkbox, Field, Input } from "@/ui/field";

/** One rule: a line in words, and its fields when it is open. */
export function RuleEditor({
  rule,
  index,
  count,
  isOpen,
  onToggle,
  onChange,
  onMove,
  onCopy,
  onRemove,
  drag,
}: {
  rule: Rule;
  index: number;
  count: number;
  isOpen: boolean;
  onToggle: () => void;
  onChange: (rule: Rule) => void;
  onMove: (to: number) => void;
  onCopy: () => void;
  onRemove: () => void;
  drag: { onDragStart: () => void; onDragEnd: () => void };
}) {
  const place = `rules.${index}`;
  const isWrong = useHasProblem(place);
  const name = rule.name || `rule ${index + 1}`;
  return (
    <>
      <div className="flex items-center gap-1 p-2 sm:gap-2 sm:px-3" draggable {...drag}>
        <GripVertical aria-hidden className="size-4 shrink-0 cursor-grab text-subtle max-sm:hidden" />
        <button
          type="button"
          aria-expanded={isOpen}
          onClick={onToggle}
          className="flex min-w-0 flex-1 items-center gap-2 rounded-lg p-1 text-left"
        >
          <ChevronDown aria-hidden className={cn("size-4 shrink-0 text-subtle", !isOpen && "-rotate-90")} />
          <span className="min-w-0">
            <span className="flex flex-wrap items-center gap-x-2 gap-y-1">
              <span className="text-[13px] text-subtle">{index + 1}</span>
              <span dir="auto" className="min-w-0 font-medium break-words">
                {rule.name || "Without a name"}
              </span>
              {isWrong && <Badge tone="danger">To correct</Badge>}
            </span>
            {!isOpen && <Summary rule={rule} />}
          </span>
        </button>
        <div className="flex shrink-0 items-center">
          <Button
            id={`up-${place}`}
            look="ghost"
            size="icon"
            aria-label={`Move ${name} up`}
            disabled={index === 0}
            onClick={() => onMove(index - 1)}
          >
            <ArrowUp aria-hidden />
          </Button>
          <Button
            id={`down-${place}`}
            look="ghost"
            size="icon"
            aria-label={`Move ${name} down`}
            disabled={index === count - 1}
            onClick={() => onMove(index + 1)}
          >
            <ArrowDown aria-hidden />
          </Button>
        </div>
      </div>
      {isOpen && <Fields rule={rule} place={place} onChange={onChange} onCopy={onCopy} onRemove={onRemove} />}
    </>
  );
}

function Summary({ rule }: { rule: Rule }) {
  const name = useGatewayNames();
  return (
    <span className="mt-0.5 block text-[13px] break-words text-subtle">
      {whenWords(rule).join(", or ")} <span aria-hidden>→</span> {outputWords(rule.output, name)}
    </span>
  );
}

function Fields({
  rule,
  place,
  onChange,
  onCopy,
  onRemove,
}: {
  rule: Rule;
  place: string;
  onChange: (rule: Rule) => void;
  onCopy: () => void;
  onRemove: () => void;
}) {
  return (
    <div className="grid gap-5 border-t border-border px-3 py-4 sm:px-5">
      <Field label="Name" error={useProblem(`${place}.name`)} className="sm:max-w-96">
        <Input
          dir="auto"
          maxLength={64}
          value={rule.name}
          onChange={(event) => onChange({ ...rule, name: event.target.value })}
        />
      </Field>
      <section className="grid gap-2">
        <h3 className="font-medium">When</h3>
        {rule.statements.length === 0 && (
          <p className="text-[13px] text-subtle">Every payment that no earlier rule took. Add a condition to choose.</p>
        )}
        <StatementsEditor
          statements={rule.statements}
          place={`${place}.statements`}
          onChange={(statements) => onChange({ ...rule, statements })}
        />
      </section>
      <section className="grid gap-2">
        <h3 className="font-medium">Then</h3>
        <OutputEditor
          label="It goes to"
          output={rule.output}
          place={`${place}.output`}
          onChange={(output) => output && onChange({ ...rule, output })}
        />
        <div className="mt-2 grid gap-2.5">
          <Checkbox
            label="Refuse it when none of these can take it"
            hint="Otherwise it goes where payments go that no rule fits."
            checked={rule.otherwise === "refuse"}
            onChange={(event) => onChange({ ...rule, otherwise: event.target.checked ? "refuse" : "default" })}
          />
          <Checkbox
            label="Keep this order whatever the success rates are"
            checked={rule.fixed_order}
            onChange={(event) => onChange({ ...rule, fixed_order: event.target.checked })}
          />
        </div>
      </section>
      <div className="flex flex-wrap gap-2">
        <Button size="sm" onClick={onCopy}>
          <Copy aria-hidden /> Copy
        </Button>
        <Button size="sm" look="danger" onClick={onRemove}>
          <Trash2 aria-hidden /> Delete
        </Button>
      </div>
    </div>
  );
}
