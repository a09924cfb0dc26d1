import { useMemo } from "react";
import { api } from "@/api/client";
import { actorName } from "@/lib/words";
import { useSession } from "@/session";

/** Names who did something: members by their names, where the role may see them. */
export function useActorNames(): (actor: string | null | undefined) => string {
  const { can } = useSession();
  const { data } = api.useQuery(
    "get",
    "/api/v1/members",
    { params: { query: { limit: 100 } } },
    { enabled: can("members:read"), staleTime: 300_000 },
  );
  return useMemo(() => {
    const names = new Map(data?.data.map((each) => [`user:${each.user_id}`, each.name || each.email]));
    return (actor) => {
      const member = names.get(actor?.replace(/^operator:/, "") ?? "");
      if (!member) return actorName(actor);
      return actor?.startsWith("operator:") ? `Operator ${member}` : member;
    };
  }, [data]);
}
