import { useMutation, useQuery } from "@tanstack/react-query";
import { createFileRoute } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { ApiError, messageOf } from "@/api/errors";
import { raw } from "@/api/raw";
import { NotAllowed, TestingPage } from "@/features/testing/frame";
import { Paid } from "@/features/testing/paid";
import { type TestPayment as Asked, payTest } from "@/features/testing/pay";
import { useSimulators } from "@/features/testing/simulators";
import { keyOf, type TestValue, ValueList } from "@/features/testing/value-list";
import { asSearch } from "@/lib/list-route";
import { toDecimal, toMinor } from "@/lib/money";
import { one } from "@/lib/search";
import { named } from "@/lib/words";
import { useSession } from "@/session";
import { FormError } from "@/shell/outside";
import { Button } from "@/ui/button";
import { Card } from "@/ui/card";
import { Checkbox, Field, Input } from "@/ui/field";
import { Loaded, SkeletonRows } from "@/ui/states";

export const Route = createFileRoute("/_app/testing/")({ validateSearch: asSearch, component: TestPayment });

function TestPayment() {
  const { mode } = useSession();
  const query = useQuery({
    queryKey: ["test", "values"],
    queryFn: () => raw("GET", "/test/values"),
    staleTime: Number.POSITIVE_INFINITY,
    enabled: mode === "test",
  });
  return (
    <TestingPage
      simulated
      tab="Test payment"
      hint="Pay with a value whose result is known, and see what your program gets. No money moves."
    >
      <Loaded
        query={query}
        skeleton={
          <Card>
            <SkeletonRows />
          </Card>
        }
      >
        {({ data }) => <PayForm values={data} />}
      </Loaded>
    </TestingPage>
  );
}

function PayForm({ values }: { values: TestValue[] }) {
  const search = Route.useSearch();
  const navigate = Route.useNavigate();
  const { can } = useSession();
  const simulators = useSimulators();
  const methods = [...new Set(values.map((each) => each.method))];
  const method = methods.find((each) => each === one(search.method)) ?? methods[0];
  const shown = values.filter((each) => each.method === method);
  const chosen = shown.find((each) => keyOf(each) === one(search.value)) ?? shown[0];
  const [key, setKey] = useState(() => crypto.randomUUID());
  const [wrong, setWrong] = useState<string | null>(null);
  const pay = useMutation({
    mutationFn: (asked: Asked) => payTest(asked, key),
    onSuccess: () => setKey(crypto.randomUUID()),
    onError: (error) => error instanceof ApiError && error.status < 500 && setKey(crypto.randomUUID()),
  });
  const change = (to: Record<string, string | undefined>) =>
    void navigate({ search: { ...search, ...to } as never, replace: true, resetScroll: false });

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    if (!chosen) return;
    const fixed = chosen.field === "amount" ? Number(chosen.value) : null;
    const amount = fixed ?? toMinor(String(form.get("amount")), "INR");
    if (!amount || amount <= 0) {
      setWrong("Write an amount, such as 500 or 499.50.");
      return;
    }
    setWrong(null);
    pay.mutate({ value: chosen, amount, byHand: form.get("by_hand") === "on", gatewayId: simulators.data?.[0]?.id });
  }

  if (!can("payments:write") || !can("orders:write")) return <NotAllowed what="create payments" />;
  return (
    <>
      <Card title="Value">
        <form noValidate onSubmit={submit} className="grid grid-cols-[minmax(0,1fr)] gap-4">
          <div role="group" aria-label="Method" className="flex flex-wrap gap-1">
            {methods.map((each) => (
              <button
                key={each}
                type="button"
                aria-pressed={each === method}
                onClick={() => change({ method: each, value: undefined })}
                className="rounded-full border border-border px-3 py-1 text-[13px] font-medium hover:bg-muted aria-pressed:border-primary aria-pressed:bg-primary aria-pressed:text-on-primary"
              >
                {named(each)}
              </button>
            ))}
          </div>
          <ValueList
            values={shown}
            chosen={chosen ? keyOf(chosen) : null}
            onChoose={(value) => change({ method, value })}
          />
          <div className="flex flex-wrap items-end gap-x-6 gap-y-4">
            <Field label="Amount in INR" error={wrong} className="w-full sm:w-48">
              {chosen?.field === "amount" ? (
                <Input key={chosen.value} value={toDecimal(Number(chosen.value), "INR")} readOnly inputMode="decimal" />
              ) : (
                <Input key="free" name="amount" defaultValue="500" inputMode="decimal" autoComplete="off" />
              )}
            </Field>
            {method === "card" && (
              <div className="pb-2">
                <Checkbox name="by_hand" label="Capture by hand" hint="The money is only reserved at first." />
              </div>
            )}
            <Button look="primary" type="submit" busy={pay.isPending} disabled={simulators.isPending}>
              Pay
            </Button>
          </div>
          {simulators.data?.length === 0 && (
            <p className="text-[13px] text-subtle">
              You have no simulator gateway, so your routing decides where the payment goes. These values are those of
              the simulator.
            </p>
          )}
          <FormError error={pay.error ? messageOf(pay.error) : null} />
        </form>
      </Card>
      {pay.data && <Paid paymentId={pay.data.id} />}
    </>
  );
}
