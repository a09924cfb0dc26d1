import { api } from "@/api/client";
import { messageOf } from "@/api/errors";
import { toast } from "@/lib/toast";
import { Button } from "@/ui/button";
import { Dialog, DialogActions } from "@/ui/dialog";

const WORDS = {
  roll_back: {
    title: "Go back to the version before?",
    description: "The version that was on before the present one routes new payments again, within seconds.",
    button: "Roll back",
  },
  switch_off: {
    title: "Route by priority alone?",
    description: "No version stays on. New payments try your enabled gateways in the order of their priority.",
    button: "Switch the rules off",
  },
} as const;

/** Takes the active rules away: for those before, or for none. Payments under way stay where they are. */
export function SwitchOffDialog({
  act,
  onClose,
  onDone,
}: {
  act: keyof typeof WORDS;
  onClose: () => void;
  onDone: () => void;
}) {
  const rollBack = api.useMutation("post", "/api/v1/routing/rollback");
  const switchOff = api.useMutation("delete", "/api/v1/routing");
  const words = WORDS[act];
  const error = rollBack.error ?? switchOff.error;
  function done(text: string) {
    toast.success(text);
    onDone();
  }
  function confirm() {
    if (act === "roll_back") {
      rollBack.mutate({}, { onSuccess: (version) => done(`Version ${version.number} is on`) });
    } else {
      switchOff.mutate({}, { onSuccess: () => done("Payments are routed by priority") });
    }
  }
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={words.title}
      description={`${words.description} Payments under way stay where they are.`}
    >
      {error && (
        <p role="alert" className="rounded-lg bg-danger-soft px-3 py-2 text-[13px]">
          {messageOf(error)}
        </p>
      )}
      <DialogActions>
        <Button onClick={onClose}>Cancel</Button>
        <Button look="primary" busy={rollBack.isPending || switchOff.isPending} onClick={confirm}>
          {words.button}
        </Button>
      </DialogActions>
    </Dialog>
  );
}
