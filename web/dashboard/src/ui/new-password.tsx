import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { signInSettings } from "@/shell/sign-in-settings";
import { Button } from "@/ui/button";
import { Field, Input } from "@/ui/field";

/** The field for a new password: the rules are said before, and the text can be looked at instead of typed twice. */
export function NewPassword({ withTotp = false, label = "New password" }: { withTotp?: boolean; label?: string }) {
  const settings = useQuery(signInSettings);
  const [shown, setShown] = useState(false);
  const limits = settings.data?.password;
  const least = limits ? (withTotp ? limits.length_min_with_totp : limits.length_min) : undefined;
  return (
    <div className="grid gap-1.5">
      <Field
        label={label}
        hint={`${least ? `At least ${least} characters. ` : ""}A few words that do not belong together are easy to remember and hard to guess.`}
      >
        <Input
          name="password"
          type={shown ? "text" : "password"}
          autoComplete="new-password"
          required
          minLength={least}
          maxLength={limits?.length_max}
        />
      </Field>
      <Button
        look="link"
        size="inline"
        className="justify-self-start text-[13px]"
        onClick={() => setShown(!shown)}
        aria-pressed={shown}
      >
        {shown ? "Hide it" : "Show it"}
      </Button>
    </div>
  );
}
