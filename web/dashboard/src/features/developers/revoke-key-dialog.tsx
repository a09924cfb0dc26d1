import { useQueryClient } from "@tanstack/react-query";
import { api } from "@/api/client";
import { messageOf } from "@/api/errors";
import type { ApiKey } from "@/features/developers/key-words";
import { toast } from "@/lib/toast";
import { FormError } from "@/shell/outside";
import { Button } from "@/ui/button";
import { Dialog, DialogActions } from "@/ui/dialog";
import { Moment } from "@/ui/moment";

/** Ends a key for good, after saying when it was last used. */
export function RevokeKeyDialog({ apiKey, onClose }: { apiKey: ApiKey; onClose: () => void }) {
  const queries = useQueryClient();
  const revoke = api.useMutation("post", "/api/v1/api_keys/{key_id}/revoke");
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={<span dir="auto">Revoke “{apiKey.name}”?</span>}
      description="Requests with this key are refused from now on. This cannot be undone."
    >
      <p className="text-[13px] text-subtle">
        {apiKey.last_used_at ? (
          <>
            It was last used <Moment at={apiKey.last_used_at} />.
          </>
        ) : (
          "It was never used."
        )}
      </p>
      <FormError error={revoke.error ? messageOf(revoke.error) : null} />
      <DialogActions>
        <Button onClick={onClose}>Keep</Button>
        <Button
          look="danger"
          busy={revoke.isPending}
          onClick={() =>
            revoke.mutate(
              { params: { path: { key_id: apiKey.id } } },
              {
                onSuccess: () => {
                  toast.success("The key is revoked");
                  void queries.invalidateQueries();
                  onClose();
                },
              },
            )
          }
        >
          Revoke
        </Button>
      </DialogActions>
    </Dialog>
  );
}
