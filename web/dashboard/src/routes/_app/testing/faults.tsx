import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { createFileRoute, Link } from "@tanstack/react-router";
import { Zap } from "lucide-react";
import { type FormEvent, useState } from "react";
import { messageOf } from "@/api/errors";
import { raw } from "@/api/raw";
import type { components } from "@/api/schema";
import { type Column, DataTable } from "@/features/table";
import { NotAllowed, TestingPage } from "@/features/testing/frame";
import { useSimulators } from "@/features/testing/simulators";
import { toast } from "@/lib/toast";
import { named } from "@/lib/words";
import { useSession } from "@/session";
import { FormError } from "@/shell/outside";
import { Button } from "@/ui/button";
import { Card } from "@/ui/card";
import { Field, Input, Select } from "@/ui/field";
import { Prose } from "@/ui/prose";
import { Empty, Loaded, SkeletonRows } from "@/ui/states";

export const Route = createFileRoute("/_app/testing/faults")({ component: FaultsPage });

type Faults = components["schemas"]["Faults"];
type Switched = Faults["data"][number];

function FaultsPage() {
  const { mode, can } = useSession();
  const query = useQuery({
    queryKey: ["test", "faults"],
    queryFn: () => raw("GET", "/test/faults"),
    enabled: mode === "test",
    refetchInterval: 5_000,
  });
  return (
    <TestingPage
      simulated
      tab="Faults"
      hint="Let the simulator misbehave as real gateways do, and see that nothing is lost and nobody pays twice."
    >
      <Loaded
        query={query}
        skeleton={
          <Card>
            <SkeletonRows rows={5} />
          </Card>
        }
      >
        {(faults) => (
          <>
            <Active faults={faults} />
            {can("testing:write") ? <AddFault faults={faults} /> : <NotAllowed what="switch faults" />}
          </>
        )}
      </Loaded>
    </TestingPage>
  );
}

const COLUMNS: Column<Switched>[] = [
  {
    id: "fault",
    header: "Fault",
    phone: "title",
    cell: (each) => <code className="font-mono text-[13px]">{each.fault}</code>,
  },
  { id: "operation", header: "Operation", phone: "detail", cell: (each) => named(each.operation) },
  {
    id: "gateway",
    header: "Gateway",
    cell: (each) => (
      <Link
        to="/gateways/$gatewayId"
        params={{ gatewayId: each.gateway_id }}
        className="text-primary underline underline-offset-2"
      >
        <code className="block max-w-48 truncate font-mono text-xs">{each.gateway_id}</code>
      </Link>
    ),
  },
  {
    id: "share",
    header: "Share",
    align: "right",
    cell: (each) => <span className="numeric">{Math.round(each.probability * 100)} %</span>,
  },
  {
    id: "applied",
    header: "Applied",
    align: "right",
    phone: "side",
    cell: (each) => (
      <span className="numeric">{each.times === null ? each.applied : `${each.applied} of ${each.times}`}</span>
    ),
  },
];

function Active({ faults }: { faults: Faults }) {
  const queries = useQueryClient();
  const { can } = useSession();
  const clear = useMutation({
    mutationFn: () => raw("DELETE", "/test/faults"),
    onSuccess: () => toast.success("All faults are off"),
    onError: (error) => toast.error("The faults are still on", messageOf(error)),
    onSettled: () => queries.invalidateQueries({ queryKey: ["test", "faults"] }),
  });
  return (
    <Card
      title="Switched on"
      hint="For your own simulator gateways only. A restart of the simulator switches all off."
      action={
        faults.data.length > 0 &&
        can("testing:write") && (
          <Button size="sm" busy={clear.isPending} onClick={() => clear.mutate()}>
            Switch all off
          </Button>
        )
      }
      flush
    >
      {faults.data.length === 0 ? (
        <Empty icon={<Zap />} title="No fault is switched on">
          Your simulator gateways answer as they should. The faults of test values, such as timeout@clearway, need no
          switch.
        </Empty>
      ) : (
        <DataTable
          label="Faults that are switched on"
          rows={faults.data}
          columns={COLUMNS}
          rowId={(each) => `${each.gateway_id} ${each.operation} ${each.fault}`}
        />
      )}
    </Card>
  );
}

/** Faults of rows and payouts are for what the gateway lists; all others for what it answers and sends. */
function fits(operation: string, fault: string): boolean {
  const listed = operation === "settlement" || operation === "listing";
  if (listed) return /^(row|payout)_/.test(fault);
  return fault.endsWith("_webhook")
    ? operation === "webhook"
    : operation !== "webhook" && !/^(row|payout)_/.test(fault);
}

function AddFault({ faults }: { faults: Faults }) {
  const queries = useQueryClient();
  const simulators = useSimulators();
  const [operation, setOperation] = useState("authorise");
  const offered = faults.faults.filter((each) => fits(operation, each.fault));
  const [fault, setFault] = useState("executed_then_timeout");
  const chosen = offered.find((each) => each.fault === fault) ?? offered[0];
  const add = useMutation({
    mutationFn: (body: components["schemas"]["FaultCreate"]) => raw("POST", "/test/faults", body),
    onSuccess: () => toast.success("The fault is switched on"),
    onSettled: () => queries.invalidateQueries({ queryKey: ["test", "faults"] }),
  });
  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const delay = String(form.get("delay") ?? "").trim();
    add.mutate({
      gateway_id: String(form.get("gateway")),
      operation,
      fault: chosen?.fault ?? "",
      times: Number(form.get("times")),
      probability: Number(form.get("share")) / 100,
      delay_s: delay ? Number(delay) : null,
    });
  }
  return (
    <Card title="Switch a fault on">
      <Loaded query={simulators}>
        {(gateways) =>
          gateways.length === 0 ? (
            <p className="text-[13px] text-subtle">
              You have no gateway of kind simulator.{" "}
              <Link to="/gateways" className="text-primary underline underline-offset-2">
                Connect one
              </Link>{" "}
              first.
            </p>
          ) : (
            <form onSubmit={submit} className="grid grid-cols-[minmax(0,1fr)] gap-4">
              <div className="grid gap-4 sm:grid-cols-3">
                <Field label="Gateway">
                  <Select name="gateway">
                    {gateways.map((each) => (
                      <option key={each.id} value={each.id}>
                        {each.name}
                      </option>
                    ))}
                  </Select>
                </Field>
                <Field label="When it is to">
                  <Select value={operation} onChange={(event) => setOperation(event.target.value)}>
                    {faults.operations.map((each) => (
                      <option key={each} value={each}>
                        {named(each)}
                      </option>
                    ))}
                  </Select>
                </Field>
                <Field label="It does this">
                  <Select value={chosen?.fault} onChange={(event) => setFault(event.target.value)}>
                    {offered.map((each) => (
                      <option key={each.fault} value={each.fault}>
                        {named(each.fault)}
                      </option>
                    ))}
                  </Select>
                </Field>
              </div>
              {chosen && (
                <p className="text-[13px] text-subtle" aria-live="polite">
                  <Prose text={chosen.description} />
                </p>
              )}
              <div className="grid gap-4 sm:grid-cols-3">
                <Field label="How often">
                  <Input name="times" type="number" min={1} max={1_000} defaultValue={1} required />
                </Field>
                <Field label="Share of operations, in %">
                  <Input name="share" type="number" min={1} max={100} defaultValue={100} required />
                </Field>
                <Field label="Delay in seconds (optional)">
                  <Input name="delay" type="number" min={0} max={3_600} step="any" />
                </Field>
              </div>
              <FormError error={add.error ? messageOf(add.error) : null} />
              <Button look="primary" type="submit" busy={add.isPending} className="justify-self-start">
                Switch on
              </Button>
            </form>
          )
        }
      </Loaded>
    </Card>
  );
}
