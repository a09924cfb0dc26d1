import { useState } from "react";
import { completed, type Program } from "@/features/routing/program";
import { Button } from "@/ui/button";
import { CopyButton } from "@/ui/copy";
import { Dialog, DialogActions } from "@/ui/dialog";
import { Field, TextArea } from "@/ui/field";

/** The rules as the API takes them, to be copied or replaced. */
export function JsonDialog({
  program,
  onClose,
  onRead,
}: {
  program: Program;
  onClose: () => void;
  onRead: (program: Program) => void;
}) {
  const [text, setText] = useState(() => JSON.stringify(program, null, 2));
  const [error, setError] = useState<string | null>(null);
  function read() {
    try {
      onRead(completed(JSON.parse(text)));
    } catch {
      setError("This is no JSON document of rules. Check its commas, quotes and brackets.");
    }
  }
  return (
    <Dialog
      open
      wide
      onOpenChange={(open) => !open && onClose()}
      title="Rules as JSON"
      description="As POST /routing/versions takes them. The rules are checked when you save."
    >
      <Field
        label={
          <span className="flex items-center gap-1">
            Program <CopyButton text={text} what="rules" />
          </span>
        }
        error={error}
      >
        <TextArea
          dir="ltr"
          rows={18}
          spellCheck={false}
          className="font-mono text-xs"
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
      </Field>
      <DialogActions>
        <Button onClick={onClose}>Cancel</Button>
        <Button look="primary" onClick={read}>
          Use these rules
        </Button>
      </DialogActions>
    </Dialog>
  );
}
