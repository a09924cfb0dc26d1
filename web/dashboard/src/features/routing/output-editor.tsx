import { ArrowDown, ArrowUp, Plus, X } from "lucide-react";
import { useGateways } from "@/features/gateways/names";
import { PlaceProblem, useProblem } from "@/features/routing/problems";
import { movedTo, type Output, replacedAt, withoutAt } from "@/features/routing/program";
import { ValueInput } from "@/features/routing/values";
import { cn } from "@/lib/cn";
import { Button } from "@/ui/button";
import { Field, Select } from "@/ui/field";

type Share = Extract<Output, { type: "split" }>["shares"][number];

function gatewaysOf(output: Output | null): string[] {
  if (!output) return [];
  if (output.type === "single") return [output.gateway];
  if (output.type === "priority") return output.gateways;
  return [...new Set(output.shares.flatMap((share) => share.gateways))];
}

/** The same gateways as another kind of output. */
export function outputAs(type: string, from: Output | null, all: readonly string[]): Output | null {
  const named = gatewaysOf(from).filter(Boolean);
  const first = named[0] ?? all[0] ?? "";
  if (type === "single") return { type, gateway: first };
  if (type === "priority") return { type, gateways: named.length > 1 ? named : [...new Set([first, ...all])] };
  if (type !== "split") return null;
  const two = (named.length > 1 ? named : [...new Set([first, ...all])]).slice(0, 2);
  const shares = two.map((gateway, index) => ({
    percent: two.length === 1 ? 100 : index === 0 ? 80 : 20,
    gateways: [gateway],
  }));
  return { type, shares };
}

/** Where payments go: one gateway, several in order, or parts by percentage. */
export function OutputEditor({
  label,
  output,
  place,
  onChange,
  none,
}: {
  label: string;
  output: Output | null;
  place: string;
  onChange: (output: Output | null) => void;
  /** What it means to name no gateway; without it, one must be named. */
  none?: string;
}) {
  const gateways = useGateways();
  const all = (gateways.data?.data ?? []).map((each) => each.id);
  return (
    <div className="grid gap-3">
      <Field label={label} className="sm:max-w-80">
        <Select value={output?.type ?? ""} onChange={(event) => onChange(outputAs(event.target.value, output, all))}>
          {none && <option value="">{none}</option>}
          <option value="single">One gateway</option>
          <option value="priority">Several, in this order</option>
          <option value="split">Parts by percentage</option>
        </Select>
      </Field>
      <PlaceProblem place={place} />
      {output?.type === "single" && (
        <GatewaySelect
          label="Gateway"
          place={`${place}.gateway`}
          value={output.gateway}
          onChange={(gateway) => onChange({ ...output, gateway })}
        />
      )}
      {output?.type === "priority" && (
        <GatewayList
          place={`${place}.gateways`}
          gateways={output.gateways}
          onChange={(next) => onChange({ ...output, gateways: next })}
        />
      )}
      {output?.type === "split" && (
        <Shares place={place} shares={output.shares} onChange={(shares) => onChange({ ...output, shares })} />
      )}
    </div>
  );
}

function GatewaySelect({
  label,
  place,
  value,
  onChange,
}: {
  label: string;
  place: string;
  value: string;
  onChange: (gateway: string) => void;
}) {
  const { data } = useGateways();
  const known = data?.data ?? [];
  return (
    <Field label={label} error={useProblem(place)} className="min-w-0 flex-1 sm:max-w-80">
      <Select dir="auto" value={value} onChange={(event) => onChange(event.target.value)}>
        {!known.some((each) => each.id === value) && <option value={value}>{value || "Choose one"}</option>}
        {known.map((each) => (
          <option key={each.id} value={each.id}>
            {each.name}
            {each.enabled ? "" : " (disabled)"}
          </option>
        ))}
      </Select>
    </Field>
  );
}

function GatewayList({
  place,
  gateways,
  onChange,
}: {
  place: string;
  gateways: readonly string[];
  onChange: (gateways: string[]) => void;
}) {
  const { data } = useGateways();
  const unused = (data?.data ?? []).find((each) => !gateways.includes(each.id));
  return (
    <div className="grid gap-2">
      <PlaceProblem place={place} />
      {gateways.map((gateway, index) => (
        <div key={index} className="flex items-end gap-1">
          <GatewaySelect
            label={index === 0 ? "First" : `Then, ${index + 1}`}
            place={`${place}.${index}`}
            value={gateway}
            onChange={(next) => onChange(replacedAt(gateways, index, next))}
          />
          <RowButtons
            what={`gateway ${index + 1}`}
            index={index}
            count={gateways.length}
            onMove={(to) => onChange(movedTo(gateways, index, to))}
            onRemove={() => onChange(withoutAt(gateways, index))}
          />
        </div>
      ))}
      {unused && (
        <div>
          <Button size="sm" onClick={() => onChange([...gateways, unused.id])}>
            <Plus aria-hidden /> Gateway
          </Button>
        </div>
      )}
    </div>
  );
}

function RowButtons({
  what,
  index,
  count,
  onMove,
  onRemove,
}: {
  what: string;
  index: number;
  count: number;
  onMove: (to: number) => void;
  onRemove: () => void;
}) {
  return (
    <div className="flex items-center">
      <Button
        look="ghost"
        size="icon"
        aria-label={`Move ${what} up`}
        disabled={index === 0}
        onClick={() => onMove(index - 1)}
      >
        <ArrowUp aria-hidden />
      </Button>
      <Button
        look="ghost"
        size="icon"
        aria-label={`Move ${what} down`}
        disabled={index === count - 1}
        onClick={() => onMove(index + 1)}
      >
        <ArrowDown aria-hidden />
      </Button>
      <Button look="ghost" size="icon" aria-label={`Remove ${what}`} disabled={count === 1} onClick={onRemove}>
        <X aria-hidden />
      </Button>
    </div>
  );
}

function Shares({
  place,
  shares,
  onChange,
}: {
  place: string;
  shares: readonly Share[];
  onChange: (shares: Share[]) => void;
}) {
  const { data } = useGateways();
  const total = shares.reduce((sum, share) => sum + (share.percent || 0), 0);
  const used = shares.flatMap((share) => share.gateways);
  const unused = (data?.data ?? []).find((each) => !used.includes(each.id));
  return (
    <div className="grid gap-3">
      {shares.map((share, index) => (
        <div key={index} className="flex items-start gap-2 max-sm:flex-col">
          <div className="flex items-end gap-1">
            <ValueInput
              label="Percent"
              className="w-24"
              place={`${place}.shares.${index}.percent`}
              value={share.percent as number | null}
              show={(percent) => (percent === null ? "" : String(percent))}
              read={(text) => (/^\d{1,3}$/.test(text.trim()) ? Number(text) : null)}
              onChange={(percent) => onChange(replacedAt(shares, index, { ...share, percent: percent as number }))}
              inputMode="numeric"
            />
            <Button
              look="ghost"
              size="icon"
              aria-label={`Remove part ${index + 1}`}
              disabled={shares.length === 1}
              onClick={() => onChange(withoutAt(shares, index))}
            >
              <X aria-hidden />
            </Button>
          </div>
          <div className="w-full min-w-0 flex-1">
            <GatewayList
              place={`${place}.shares.${index}.gateways`}
              gateways={share.gateways}
              onChange={(gateways) => onChange(replacedAt(shares, index, { ...share, gateways }))}
            />
          </div>
        </div>
      ))}
      <div className="flex flex-wrap items-center gap-3">
        <Button
          size="sm"
          onClick={() =>
            onChange([...shares, { percent: Math.max(0, 100 - total), gateways: [unused?.id ?? used[0] ?? ""] }])
          }
        >
          <Plus aria-hidden /> Part
        </Button>
        <p role="status" className={cn("text-[13px]", total === 100 ? "text-subtle" : "font-medium text-danger")}>
          {total === 100 ? "100 % in all" : `${total} % in all: make it 100 %`}
        </p>
      </div>
      <p className="max-w-prose text-[13px] text-subtle">
        A payment stays in its part. When no gateway of its part can take it, the other parts are tried.
      </p>
    </div>
  );
}
