import { api } from "@/api/client";
import { RotateSecretDialog } from "@/features/rotate-secret-dialog";

const OVERLAPS: [seconds: number, label: string][] = [
  [3_600, "1 hour"],
  [86_400, "1 day"],
  [3 * 86_400, "3 days"],
  [7 * 86_400, "7 days"],
  [0, "Not at all: the old secret has leaked"],
];

/** Makes a new signing secret for an endpoint. */
export function RotateDialog({
  endpointId,
  onClose,
  onMade,
}: {
  endpointId: string;
  onClose: () => void;
  onMade: (secret: string) => void;
}) {
  const rotate = api.useMutation("post", "/api/v1/webhook_endpoints/{endpoint_id}/rotate_secret");
  return (
    <RotateSecretDialog
      description="A new secret signs from now on. Until the time below, the old one signs too, so your server accepts webhooks before and after it is deployed."
      label="The old secret still signs for"
      overlaps={OVERLAPS}
      rotate={(overlap_s, key) =>
        rotate.mutateAsync({
          params: { path: { endpoint_id: endpointId }, header: { "Idempotency-Key": key } },
          body: { overlap_s },
        })
      }
      onClose={onClose}
      onMade={(made) => onMade(made.secret)}
    />
  );
}
