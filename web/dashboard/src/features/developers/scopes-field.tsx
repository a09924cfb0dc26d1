import { api } from "@/api/client";
import { Button } from "@/ui/button";
import { Checkbox } from "@/ui/field";
import { Loaded } from "@/ui/states";

type Permission = { permission: string; held: boolean };

/** What programs usually need. A permission that this person lacks is left out. */
const USUAL: [label: string, wanted: (permission: string) => boolean][] = [
  ["A shop's server", (each) => /^(orders|payments|refunds):(read|write)$/.test(each)],
  ["Reading only", (each) => each.endsWith(":read")],
];

function usual(all: Permission[], wanted: (permission: string) => boolean): ReadonlySet<string> {
  return new Set(all.filter((each) => each.held && wanted(each.permission)).map((each) => each.permission));
}

/** The permissions of a key, from the API's own table. Those that this person lacks cannot be given. */
export function ScopesField({
  chosen,
  onChange,
  error,
}: {
  /** null: everything, also what later versions bring. */
  chosen: ReadonlySet<string> | null;
  onChange: (chosen: ReadonlySet<string> | null) => void;
  error?: string | undefined;
}) {
  const query = api.useQuery("get", "/api/v1/api_keys/permissions");
  function toggle(name: string, on: boolean) {
    const next = new Set(chosen);
    if (on) next.add(name);
    else next.delete(name);
    onChange(next);
  }
  return (
    <fieldset className="grid gap-3">
      <legend className="mb-1.5 text-[13px] font-medium">Permissions</legend>
      <Loaded query={query}>
        {({ data, everything }) => (
          <>
            <Checkbox
              label="Everything"
              hint={
                everything
                  ? "Also what later versions of Clearway add. Prefer the few that the program needs."
                  : "Only those who may do everything themselves, now and later, can give this."
              }
              disabled={!everything}
              checked={chosen === null}
              onChange={(event) => onChange(event.target.checked ? null : new Set())}
            />
            {chosen !== null && (
              <div role="group" aria-label="Usual permissions" className="flex flex-wrap gap-2">
                {USUAL.map(([label, wanted]) => (
                  <Button key={label} size="sm" onClick={() => onChange(usual(data, wanted))}>
                    {label}
                  </Button>
                ))}
              </div>
            )}
            {chosen !== null && (
              <div
                // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by the keyboard
                tabIndex={0}
                role="group"
                aria-label="Single permissions"
                className="grid max-h-72 gap-2.5 overflow-y-auto rounded-lg border border-border p-3"
              >
                {data.map((each) => (
                  <Checkbox
                    key={each.permission}
                    label={<code className="font-mono text-xs font-normal">{each.permission}</code>}
                    hint={each.description}
                    disabled={!each.held}
                    checked={chosen.has(each.permission)}
                    onChange={(event) => toggle(each.permission, event.target.checked)}
                  />
                ))}
              </div>
            )}
          </>
        )}
      </Loaded>
      {error && (
        <p role="alert" className="text-[13px] text-danger">
          {error}
        </p>
      )}
    </fieldset>
  );
}
