import { useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { api } from "@/api/client";
import { ApiError, messageOf } from "@/api/errors";
import type { components } from "@/api/schema";
import { toast } from "@/lib/toast";
import { useSession } from "@/session";
import { FormError } from "@/shell/outside";
import { Button } from "@/ui/button";
import { Card } from "@/ui/card";

export type Settings = components["schemas"]["SettingsResource"];
export type Patch = components["schemas"]["SettingsPatch"];

/** One part of the settings: its fields, what is wrong with them, and a button that saves this part alone. */
export function Part({
  title,
  hint,
  read,
  children,
}: {
  title: string;
  hint?: string;
  read: (form: FormData) => Patch | string;
  children: (errors: Record<string, string>, disabled: boolean) => ReactNode;
}) {
  const { can } = useSession();
  const queries = useQueryClient();
  const save = api.useMutation("patch", "/api/v1/settings");
  const [wrong, setWrong] = useState<string | null>(null);
  const errors = save.error instanceof ApiError ? (save.error as ApiError).fields : {};
  const writable = can("settings:write");
  const message = wrong ?? (save.error && Object.keys(errors).length === 0 ? messageOf(save.error) : null);
  return (
    <Card title={title} hint={hint}>
      <form
        noValidate
        className="grid gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          const patch = read(new FormData(event.currentTarget));
          if (typeof patch === "string") {
            setWrong(patch);
            return;
          }
          setWrong(null);
          save.mutate(
            { body: patch },
            {
              onSuccess: () => {
                toast.success("Saved");
                void queries.invalidateQueries();
              },
            },
          );
        }}
      >
        <fieldset disabled={!writable} className="grid grid-cols-[minmax(0,1fr)] gap-4">
          <legend className="sr-only">{title}</legend>
          {children(errors, !writable)}
        </fieldset>
        <FormError error={message} />
        {writable && (
          <Button look="primary" type="submit" busy={save.isPending} className="justify-self-start">
            Save
          </Button>
        )}
      </form>
    </Card>
  );
}

export const text = (form: FormData, name: string) => String(form.get(name) ?? "").trim();
export const orNull = (value: string) => (value === "" ? null : value);
export const lines = (value: string) =>
  value
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);
