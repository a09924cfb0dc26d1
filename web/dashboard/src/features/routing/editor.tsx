import { Braces, Plus } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { useGateways } from "@/features/gateways/names";
import { JsonDialog } from "@/features/routing/json-dialog";
import { OutputEditor, outputAs } from "@/features/routing/output-editor";
import { Problems } from "@/features/routing/problems";
import {
  movedTo,
  type Problem,
  type Program,
  type Rule,
  replacedAt,
  TRIED_MAX,
  withoutAt,
} from "@/features/routing/program";
import { RatesEditor } from "@/features/routing/rates-editor";
import { RuleEditor } from "@/features/routing/rule-editor";
import { Button } from "@/ui/button";
import { Card } from "@/ui/card";
import { Field, Select } from "@/ui/field";
import { Empty } from "@/ui/states";

/** Rules with a name for React that stays when they move; their order is that of the program. */
let made = 0;
const newKey = () => `rule-${++made}`;

/** A program of rules, edited as a whole. What is wrong comes from the API, and is shown at its place. */
export function ProgramEditor({
  program,
  problems,
  onChange,
}: {
  program: Program;
  problems: readonly Problem[];
  onChange: (program: Program) => void;
}) {
  const gateways = useGateways();
  const [keys, setKeys] = useState(() => program.rules.map(newKey));
  const [open, setOpen] = useState<ReadonlySet<string>>(() => new Set(keys.length === 1 ? keys : []));
  const [dragged, setDragged] = useState<number | null>(null);
  const [json, setJson] = useState(false);
  const [said, setSaid] = useState("");
  const focusAfter = useRef<string[]>([]);

  // Rules with something to correct open by themselves.
  // biome-ignore lint/correctness/useExhaustiveDependencies: only new problems open rules
  useEffect(() => {
    const wrong = new Set(problems.map((each) => /^rules\.(\d+)/.exec(each.place)?.[1]).filter(Boolean));
    if (wrong.size) setOpen((before) => new Set([...before, ...keys.filter((_, index) => wrong.has(String(index)))]));
  }, [problems]);

  // A button that moved its rule keeps the focus, so that it can be pressed again.
  useEffect(() => {
    const target = focusAfter.current
      .map((id) => document.getElementById(id) as HTMLButtonElement | null)
      .find((button) => button && !button.disabled);
    focusAfter.current = [];
    target?.focus();
  });

  function change(rules: Rule[], nextKeys: string[]) {
    setKeys(nextKeys);
    onChange({ ...program, rules });
  }

  function move(from: number, to: number) {
    change(movedTo(program.rules, from, to), movedTo(keys, from, to));
    const [first, second] = to < from ? ["up", "down"] : ["down", "up"];
    focusAfter.current = [`${first}-rules.${to}`, `${second}-rules.${to}`];
    setSaid(`${program.rules[from]?.name || "The rule"} is now number ${to + 1}`);
  }

  function add(rule: Rule, index = program.rules.length) {
    const key = newKey();
    change(program.rules.toSpliced(index, 0, rule), keys.toSpliced(index, 0, key));
    setOpen((before) => new Set([...before, key]));
  }

  function toggle(key: string) {
    setOpen((before) => {
      const next = new Set(before);
      if (!next.delete(key)) next.add(key);
      return next;
    });
  }

  function addFresh() {
    const all = (gateways.data?.data ?? []).map((each) => each.id);
    add({
      name: "",
      statements: [],
      output: outputAs("single", null, all)!,
      otherwise: "default",
      fixed_order: false,
    });
  }

  return (
    <Problems problems={problems}>
      <p aria-live="polite" className="sr-only">
        {said}
      </p>
      <Card
        title="Rules"
        hint="The first rule that fits decides. Drag a rule, or move it with its arrows."
        flush
        action={
          <>
            <Button size="sm" onClick={() => setJson(true)}>
              <Braces aria-hidden /> As JSON
            </Button>
            <Button size="sm" look="primary" onClick={addFresh}>
              <Plus aria-hidden /> Rule
            </Button>
          </>
        }
      >
        {program.rules.length === 0 ? (
          <Empty title="No rules yet" action={<Button onClick={addFresh}>Add the first rule</Button>}>
            A rule says which payments it is about, and which gateway takes them.
          </Empty>
        ) : (
          <ol className="divide-y divide-border border-t border-border">
            {program.rules.map((rule, index) => {
              const key = keys[index]!;
              return (
                <li
                  key={key}
                  className={dragged === index ? "opacity-50" : undefined}
                  onDragOver={(event) => dragged !== null && event.preventDefault()}
                  onDrop={(event) => {
                    event.preventDefault();
                    if (dragged !== null && dragged !== index) move(dragged, index);
                    setDragged(null);
                  }}
                >
                  <RuleEditor
                    rule={rule}
                    index={index}
                    count={program.rules.length}
                    isOpen={open.has(key)}
                    onToggle={() => toggle(key)}
                    onChange={(next) => onChange({ ...program, rules: replacedAt(program.rules, index, next) })}
                    onMove={(to) => move(index, to)}
                    onCopy={() => add({ ...structuredClone(rule), name: `${rule.name} 2`.slice(0, 64) }, index + 1)}
                    onRemove={() => change(withoutAt(program.rules, index), withoutAt(keys, index))}
                    drag={{ onDragStart: () => setDragged(index), onDragEnd: () => setDragged(null) }}
                  />
                </li>
              );
            })}
          </ol>
        )}
      </Card>
      <Card title="Payments that no rule fits">
        <OutputEditor
          label="They go to"
          none="Your gateways, by priority"
          output={program.default ?? null}
          place="default"
          onChange={(output) => onChange({ ...program, default: output })}
        />
      </Card>
      <Card title="For every payment">
        <div className="grid gap-5">
          <Field
            label="Gateways named for one payment"
            hint="The first gets the payment. The next is tried when the first surely took nothing."
            className="sm:max-w-80"
          >
            <Select
              value={program.gateways_max}
              onChange={(event) => onChange({ ...program, gateways_max: Number(event.target.value) })}
            >
              {Array.from({ length: TRIED_MAX }, (_, index) => (
                <option key={index} value={index + 1}>
                  {index + 1}
                </option>
              ))}
            </Select>
          </Field>
          <RatesEditor
            rates={program.success_rate ?? null}
            onChange={(rates) => onChange({ ...program, success_rate: rates })}
          />
        </div>
      </Card>
      {json && (
        <JsonDialog
          program={program}
          onClose={() => setJson(false)}
          onRead={(read) => {
            setKeys(read.rules.map(newKey));
            setOpen(new Set());
            onChange(read);
            setJson(false);
          }}
        />
      )}
    </Problems>
  );
}
