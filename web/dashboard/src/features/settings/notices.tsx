import { useQueryClient } from "@tanstack/react-query";
import type { FormEvent } from "react";
import { api } from "@/api/client";
import { messageOf } from "@/api/errors";
import type { components } from "@/api/schema";
import { toast } from "@/lib/toast";
import { named } from "@/lib/words";
import { useSession } from "@/session";
import { FormError } from "@/shell/outside";
import { Button } from "@/ui/button";
import { Card } from "@/ui/card";
import { Checkbox } from "@/ui/field";
import { Loaded } from "@/ui/states";

type Kind = components["schemas"]["NoticeKind"];

/** Which mails about the merchant the person who is signed in gets. Each member chooses for themselves. */
export function Notices() {
  const { me, mode } = useSession();
  const queries = useQueryClient();
  const query = api.useQuery("get", "/api/v1/notices");
  const save = api.useMutation("put", "/api/v1/notices");
  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const kinds = new FormData(event.currentTarget).getAll("kind") as Kind[];
    save.mutate(
      { body: { kinds } },
      {
        onSuccess: (kept) => {
          toast.success(kept.kinds.length === 0 ? "You get no notices" : "Saved");
          void queries.invalidateQueries({ queryKey: ["get", "/api/v1/notices"] });
        },
      },
    );
  }
  return (
    <Card title="Your notices" hint={`E-mails to ${me.email} about ${mode} mode. Your colleagues choose their own.`}>
      <Loaded query={query}>
        {(notices) => (
          <form onSubmit={submit} className="grid gap-4">
            <fieldset className="grid gap-3">
              <legend className="sr-only">Which notices you get</legend>
              {notices.available.map((each) => (
                <Checkbox
                  key={each.kind}
                  name="kind"
                  value={each.kind}
                  defaultChecked={notices.kinds.includes(each.kind)}
                  label={named(each.kind)}
                  hint={each.description}
                />
              ))}
            </fieldset>
            {!notices.chosen && (
              <p className="text-[13px] text-subtle">You have not chosen yet, and get the usual ones.</p>
            )}
            <FormError error={save.error ? messageOf(save.error) : null} />
            <Button look="primary" type="submit" busy={save.isPending} className="justify-self-start">
              Save
            </Button>
          </form>
        )}
      </Loaded>
    </Card>
  );
}
