import { api } from "@/api/client";
import type { KeyWithSecret } from "@/features/developers/create-key-dialog";
import { RotateSecretDialog } from "@/features/rotate-secret-dialog";

const OVERLAPS: [seconds: number, label: string][] = [
  [3_600, "1 hour"],
  [86_400, "1 day"],
  [7 * 86_400, "7 days"],
  [0, "Not at all: the old secret has leaked"],
];

/** Makes a new secret for a key, which keeps its id. */
export function RotateKeyDialog({
  keyId,
  onClose,
  onMade,
}: {
  keyId: string;
  onClose: () => void;
  onMade: (made: KeyWithSecret) => void;
}) {
  const rotate = api.useMutation("post", "/api/v1/api_keys/{key_id}/rotate");
  return (
    <RotateSecretDialog
      description="The key gets a new secret and keeps its id. Until the time below, the old secret works too."
      label="The old secret still works for"
      overlaps={OVERLAPS}
      rotate={(overlap_s, key) =>
        rotate.mutateAsync({
          params: { path: { key_id: keyId }, header: { "Idempotency-Key": key } },
          body: { overlap_s },
        })
      }
      onClose={onClose}
      onMade={onMade}
    />
  );
}
