import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { messageOf } from "@/api/errors";
import { Button } from "@/ui/button";
import { Dialog, DialogActions } from "@/ui/dialog";
import { Field, Select } from "@/ui/field";

const DAY_S = 86_400;

/** Makes a new secret. Until the overlap ends the old one is good too, so that programs can be deployed in between. */
export function RotateSecretDialog<Made>({
  description,
  label,
  overlaps,
  rotate,
  onClose,
  onMade,
}: {
  description: string;
  /** What the old secret still does until the chosen time. */
  label: string;
  overlaps: [seconds: number, label: string][];
  /** key: the same for each try with this overlap. */
  rotate: (overlap: number, key: string) => Promise<Made>;
  onClose: () => void;
  onMade: (made: Made) => void;
}) {
  const queries = useQueryClient();
  const [overlap, setOverlap] = useState(DAY_S);
  const [once] = useState(() => crypto.randomUUID());
  const { mutate, isPending, error } = useMutation({
    mutationFn: () => rotate(overlap, `${once}-${overlap}`),
    onSuccess: (made) => {
      void queries.invalidateQueries();
      onClose();
      onMade(made);
    },
  });
  return (
    <Dialog open onOpenChange={(open) => !open && onClose()} title="Rotate the secret" description={description}>
      <Field label={label}>
        <Select value={overlap} onChange={(event) => setOverlap(Number(event.target.value))}>
          {overlaps.map(([seconds, text]) => (
            <option key={seconds} value={seconds}>
              {text}
            </option>
          ))}
        </Select>
      </Field>
      {error != null && (
        <p role="alert" className="mt-3 text-[13px] text-danger">
          {messageOf(error)}
        </p>
      )}
      <DialogActions>
        <Button onClick={onClose}>Cancel</Button>
        <Button look="primary" busy={isPending} onClick={() => mutate()}>
          Rotate
        </Button>
      </DialogActions>
    </Dialog>
  );
}
