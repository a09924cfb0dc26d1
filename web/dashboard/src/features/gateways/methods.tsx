import type { components } from "@/api/schema";
import { captures, currencies, refunds, upiWays } from "@/features/gateways/words";
import { named } from "@/lib/words";
import { Checkbox } from "@/ui/field";
import { Fact, Facts } from "@/ui/page";

type Gateway = components["schemas"]["GatewayResource"];
type Capabilities = components["schemas"]["GatewayCapabilities"];
type Method = Capabilities["methods"][number];

const SHOWN_MAX = 8;

/** The boxes of the methods that a gateway takes: those that are used for it are ticked. `readMethods` reads them. */
export function MethodBoxes({ gateway, error }: { gateway: Gateway; error?: string | undefined }) {
  const { methods } = gateway.capabilities;
  if (methods.length === 0) return null;
  return (
    <fieldset aria-describedby={error ? "methods-error" : undefined}>
      <legend className="text-[13px] font-medium">Payment methods</legend>
      <p className="mt-1 text-[13px] text-subtle">
        New payments by other methods go to your other gateways. The checkout offers only what one of them takes.
      </p>
      <div className="mt-3 grid gap-x-6 gap-y-1 sm:grid-cols-2">
        {methods.map((method) => (
          <Checkbox
            key={method}
            name="methods"
            value={method}
            label={named(method)}
            hint={method === "upi" ? upiWays(gateway.capabilities) : undefined}
            defaultChecked={gateway.methods?.includes(method) ?? true}
            className="max-sm:py-2.5"
          />
        ))}
      </div>
      {error && (
        <p id="methods-error" role="alert" className="mt-2 text-[13px] text-danger">
          {error}
        </p>
      )}
    </fieldset>
  );
}

/** The ticked methods; null: all, so also one that the gateway takes later. Undefined: there was nothing to choose. */
export function readMethods(form: FormData, gateway: Gateway): Method[] | null | undefined {
  const { methods } = gateway.capabilities;
  if (methods.length === 0) return undefined;
  const chosen = methods.filter((method) => form.getAll("methods").includes(method));
  return chosen.length === methods.length ? null : chosen;
}

export const NONE_CHOSEN = "Choose at least one. To stop all new payments, disable the gateway.";

/** What a gateway can do beside its methods, as its connector declares it. */
export function Abilities({ capabilities }: { capabilities: Capabilities }) {
  const all = capabilities.currencies;
  return (
    <Facts>
      <Fact name="Currencies">
        {all && all.length > SHOWN_MAX ? (
          <details>
            <summary className="cursor-pointer">{all.length} currencies</summary>
            <p className="mt-1 text-[13px] text-subtle">{all.join(", ")}</p>
          </details>
        ) : (
          currencies(capabilities)
        )}
      </Fact>
      <Fact name="Capture later">{captures(capabilities)}</Fact>
      <Fact name="Refunds">{refunds(capabilities)}</Fact>
    </Facts>
  );
}
