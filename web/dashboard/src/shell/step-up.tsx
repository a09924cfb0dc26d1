import { lazy, Suspense, useEffect, useRef, useState } from "react";
import { connectShell } from "@/api/client";
import { useSession } from "@/session";
import { goToLogIn } from "@/shell/leaving";

const StepUpDialog = lazy(() => import("@/shell/step-up-dialog"));

/** Asks for the password or a code when the API wants a fresh proof, then lets the request be repeated. */
export function StepUp() {
  const { me } = useSession();
  const [open, setOpen] = useState(false);
  const settle = useRef<(proved: boolean) => void>(() => {});

  useEffect(() => {
    connectShell({
      stepUp: () => {
        settle.current(false);
        setOpen(true);
        return new Promise((resolve) => {
          settle.current = resolve;
        });
      },
      sessionEnded: goToLogIn,
    });
  }, []);

  function close(proved: boolean) {
    setOpen(false);
    settle.current(proved);
    settle.current = () => {};
  }

  if (!open) return null;
  return (
    <Suspense>
      <StepUpDialog totp={me.totp_enabled} onClose={close} />
    </Suspense>
  );
}
