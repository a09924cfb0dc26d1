import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { everyRow } from "@/api/raw";
import type { components } from "@/api/schema";
import { actorName } from "@/lib/words";
import { useSession } from "@/session";

type Member = components["schemas"]["MemberResource"];

/** Names who did something: members by their names, where the role may see them. */
export function useActorNames(): (actor: string | null | undefined) => string {
  const { can } = useSession();
  const { data } = useQuery({
    queryKey: ["members", "every"],
    queryFn: () => everyRow<Member>("/members"),
    enabled: can("members:read"),
    staleTime: 300_000,
  });
  return useMemo(() => {
    const names = new Map(data?.map((each) => [`user:${each.user_id}`, each.name || each.email]));
    return (actor) => {
      const member = names.get(actor?.replace(/^operator:/, "") ?? "");
      if (!member) return actorName(actor);
      return actor?.startsWith("operator:") ? `Operator ${member}` : member;
    };
  }, [data]);
}
