import { type ErrorComponentProps, useRouter } from "@tanstack/react-router";
import { Failure } from "@/ui/states";

/** In place of a page that broke. The rest of the app stays. */
export function Broken({ error, reset }: ErrorComponentProps) {
  const router = useRouter();
  return (
    <div className="mx-auto mt-[12dvh] w-full max-w-lg rounded-xl border border-border bg-surface">
      <Failure
        error={error}
        retry={() => {
          reset();
          void router.invalidate();
        }}
      />
    </div>
  );
}
