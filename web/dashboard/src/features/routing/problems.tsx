import { createContext, type ReactNode, useContext } from "react";
import type { Problem } from "@/features/routing/program";

const Context = createContext<readonly Problem[]>([]);

/** What the API found wrong, for the fields that it is about. */
export function Problems({ problems, children }: { problems: readonly Problem[]; children: ReactNode }) {
  return <Context.Provider value={problems}>{children}</Context.Provider>;
}

/** What is wrong at a place. `within`: or at any place inside it, for a field that shows all of it. */
export function useProblem(place: string, within = false): string | undefined {
  const found = useContext(Context).filter(
    (each) => each.place === place || (within && each.place.startsWith(`${place}.`)),
  );
  return found.length ? [...new Set(found.map((each) => each.text))].join(". ") : undefined;
}

/** Tells whether something is wrong at a place or inside it. */
export function useHasProblem(place: string): boolean {
  return useContext(Context).some((each) => each.place === place || each.place.startsWith(`${place}.`));
}

/** A problem of a group of fields, which has no field of its own. */
export function PlaceProblem({ place }: { place: string }) {
  const problem = useProblem(place);
  return problem ? (
    <p role="alert" className="text-[13px] text-danger">
      {problem}
    </p>
  ) : null;
}
