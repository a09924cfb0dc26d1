import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "@/api/client";
import { messageOf } from "@/api/errors";
import { TrialResult } from "@/features/routing/trial";
import { toast } from "@/lib/toast";
import { Button } from "@/ui/button";
import { Dialog, DialogActions } from "@/ui/dialog";
import { Checkbox } from "@/ui/field";
import { Loaded } from "@/ui/states";

/** Shows what would change, then switches a version on. */
export function SwitchOnDialog({ number, onClose }: { number: number; onClose: () => void }) {
  const queries = useQueryClient();
  const [force, setForce] = useState(false);
  const path = { params: { path: { number } } };
  const trial = api.useQuery("post", "/api/v1/routing/versions/{number}/dry_run", path, { gcTime: 0 });
  const activate = api.useMutation("post", "/api/v1/routing/versions/{number}/activate");
  const refused = trial.data?.refused ?? 0;
  function confirm() {
    activate.mutate(
      { ...path, body: { force } },
      {
        onSuccess: () => {
          toast.success(`Version ${number} is on`, "New payments follow it within seconds.");
          void queries.invalidateQueries();
          onClose();
        },
      },
    );
  }
  return (
    <Dialog
      open
      wide
      onOpenChange={(open) => !open && onClose()}
      title={`Switch version ${number} on?`}
      description="New payments are routed by it within seconds. Payments under way stay where they are."
    >
      <Loaded query={trial}>{(found) => <TrialResult trial={found} />}</Loaded>
      {refused > 0 && (
        <div className="mt-4 rounded-lg bg-danger-soft p-3">
          <Checkbox
            label="Switch it on all the same"
            hint="Payments like these will be refused for want of a gateway."
            checked={force}
            onChange={(event) => setForce(event.target.checked)}
          />
        </div>
      )}
      {activate.error && (
        <p role="alert" className="mt-4 rounded-lg bg-danger-soft px-3 py-2 text-[13px]">
          {messageOf(activate.error)}
        </p>
      )}
      <DialogActions>
        <Button onClick={onClose}>Cancel</Button>
        <Button
          look="primary"
          busy={activate.isPending}
          disabled={!trial.data || (refused > 0 && !force)}
          onClick={confirm}
        >
          Switch on
        </Button>
      </DialogActions>
    </Dialog>
  );
}
