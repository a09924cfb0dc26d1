import { useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext, useEffect, useMemo, useSyncExternalStore } from "react";
import { Live, type LiveState } from "@/lib/live";
import { useSession } from "@/session";
import { goToLogIn } from "@/shell/leaving";

const Context = createContext<LiveState>({ kind: "off" });

/** Follows the chosen merchant by the socket of this browser, and lets lists poll while there is none. */
export function LiveProvider({ children }: { children: ReactNode }) {
  const queries = useQueryClient();
  const { me, merchant } = useSession();
  const live = useMemo(() => new Live(queries, goToLogIn), [queries]);
  const state = useSyncExternalStore(live.subscribe, () => live.state);
  useEffect(() => {
    live.follow(merchant?.id ?? null, me.id);
    return () => live.stop();
  }, [live, merchant?.id, me.id]);
  return <Context.Provider value={state}>{children}</Context.Provider>;
}

export function useLive(): LiveState {
  return useContext(Context);
}

const POLL_MS = 15_000;

/** For `refetchInterval`: nothing while the socket reports changes, else every 15 seconds. */
export function usePolling(): number | false {
  return useLive().kind === "connected" ? false : POLL_MS;
}
