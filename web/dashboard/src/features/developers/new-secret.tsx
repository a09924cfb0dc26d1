import type { KeyWithSecret } from "@/features/developers/create-key-dialog";
import { SecretDialog } from "@/features/webhooks/secret-dialog";

/** The secret of a key, shown once. */
export function NewSecret({ made, onClose }: { made: KeyWithSecret; onClose: () => void }) {
  return (
    <SecretDialog
      title="The key and its secret"
      what="secret"
      keyId={made.id}
      secret={made.secret}
      hint="If it is lost, rotate the key: it gets a new secret."
      onClose={onClose}
    />
  );
}
