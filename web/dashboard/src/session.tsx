import { queryOptions, useQueryClient, useSuspenseQuery } from "@tanstack/react-query";
import {
  createContext,
  type ReactNode,
  useCallback,
  useContext,
  useEffect,
  useMemo,
  useSyncExternalStore,
} from "react";
import { raw } from "@/api/raw";
import type { components } from "@/api/schema";
import { chooseMerchant, chosenMerchant, onMerchantChange } from "@/lib/merchant";

export type Mode = "live" | "test";
export type MerchantOf = components["schemas"]["MemberMerchant"];
export type Permission = MerchantOf["permissions"][number];
export type Membership = components["schemas"]["Membership"];
export type Me = components["schemas"]["Me"];

export const meQuery = queryOptions({
  queryKey: ["me"],
  queryFn: () => raw("GET", "/users/me"),
  staleTime: 60_000,
  retry: false,
});

/** Whether there may be a session: without this mark, asking for the profile would only be refused. */
export function mayBeSignedIn(): boolean {
  return document.cookie.split("; ").includes("clearway_signed_in=1");
}

type Session = {
  me: Me;
  membership: Membership | null;
  merchant: MerchantOf | null;
  mode: Mode;
  can: (permission: Permission) => boolean;
  switchTo: (merchantId: string) => void;
};

const Context = createContext<Session | null>(null);

/** The merchant to show: the chosen one while the person still belongs to it, else a live one with data to expect. */
export function merchantFor(me: Me, chosen: string | null): { membership: Membership; merchant: MerchantOf } | null {
  const all = me.memberships.flatMap((membership) =>
    membership.merchants.map((merchant) => ({ membership, merchant })),
  );
  return (
    all.find(({ merchant }) => merchant.id === chosen) ??
    all.find(({ merchant }) => merchant.mode === "test") ??
    all[0] ??
    null
  );
}

export function SessionProvider({ children }: { children: ReactNode }) {
  const { data: me } = useSuspenseQuery(meQuery);
  const queries = useQueryClient();
  const chosen = useSyncExternalStore(onMerchantChange, chosenMerchant);
  const found = merchantFor(me, chosen);

  useEffect(() => {
    if (found && found.merchant.id !== chosen) chooseMerchant(found.merchant.id);
  }, [found, chosen]);

  const switchTo = useCallback(
    (merchantId: string) => {
      void queries.cancelQueries();
      chooseMerchant(merchantId);
      // Nothing of the former merchant stays on the page, not even while the new one loads.
      void queries.resetQueries({ predicate: (query) => query.queryKey[0] !== "me" });
    },
    [queries],
  );

  const session = useMemo<Session>(
    () => ({
      me,
      membership: found?.membership ?? null,
      merchant: found?.merchant ?? null,
      mode: found?.merchant.mode ?? "test",
      can: (permission) => found?.merchant.permissions.includes(permission) ?? false,
      switchTo,
    }),
    [me, found?.membership, found?.merchant, switchTo],
  );
  return <Context.Provider value={session}>{children}</Context.Provider>;
}

export function useSession(): Session {
  const session = useContext(Context);
  if (!session) throw new Error("useSession is used outside of the signed-in part of the app");
  return session;
}

/** Shows its content to those whose role has the permission. */
export function Allowed({
  permission,
  children,
  otherwise = null,
}: {
  permission: Permission;
  children: ReactNode;
  otherwise?: ReactNode;
}) {
  return useSession().can(permission) ? children : otherwise;
}
