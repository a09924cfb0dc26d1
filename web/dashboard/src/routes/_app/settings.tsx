import { createFileRoute } from "@tanstack/react-router";
import { useState } from "react";
import { api } from "@/api/client";
import type { components } from "@/api/schema";
import { Exports } from "@/features/exports/page";
import { Notices } from "@/features/settings/notices";
import { lines, orNull, Part, type Settings, text } from "@/features/settings/part";
import { Security } from "@/features/settings/security";
import { count } from "@/lib/money";
import { one } from "@/lib/search";
import { named } from "@/lib/words";
import { useSession } from "@/session";
import { Button } from "@/ui/button";
import { Card } from "@/ui/card";
import { Checkbox, Field, Input, TextArea } from "@/ui/field";
import { Fact, Facts, Page } from "@/ui/page";
import { Loaded } from "@/ui/states";
import { Parts } from "@/ui/tabs";

const TABS = [
  ["general", "General"],
  ["security", "Security"],
  ["notices", "Notices"],
  ["exports", "Exports"],
] as const;
type Tab = (typeof TABS)[number][0];

export const Route = createFileRoute("/_app/settings")({
  validateSearch: (search: Record<string, unknown>): { tab?: Tab } => {
    const wanted = one(search.tab as string | string[] | undefined);
    const found = TABS.find(([tab]) => tab === wanted);
    return found ? { tab: found[0] } : {};
  },
  component: SettingsPage,
});

function SettingsPage() {
  const { mode } = useSession();
  const { tab = "general" } = Route.useSearch();
  return (
    <Page
      title="Settings"
      tab="Settings"
      hint={`These are the settings of ${mode} mode. Test and live have their own, but for the name of the account and the second factor.`}
    >
      <Parts label="Parts of the settings" to="/settings" parts={TABS} chosen={tab} />
      {tab === "notices" && <Notices />}
      {tab === "exports" && <Exports />}
      {(tab === "general" || tab === "security") && <Kept tab={tab} />}
    </Page>
  );
}

function Kept({ tab }: { tab: "general" | "security" }) {
  const query = api.useQuery("get", "/api/v1/settings");
  return (
    <Loaded query={query}>
      {(settings) => (
        <div key={settings.updated_at} className="grid grid-cols-[minmax(0,1fr)] gap-4 sm:gap-5">
          {tab === "security" ? (
            <Security settings={settings} />
          ) : (
            <>
              <General settings={settings} />
              <Branding settings={settings} />
              <Checkout settings={settings} />
              <Limits settings={settings} />
            </>
          )}
        </div>
      )}
    </Loaded>
  );
}

function General({ settings }: { settings: Settings }) {
  const zones = Intl.supportedValuesOf("timeZone");
  return (
    <Part
      title="General"
      read={(form) => ({
        name: text(form, "name"),
        account_name: text(form, "account_name"),
        time_zone: text(form, "time_zone"),
      })}
    >
      {(errors) => (
        <>
          <Field label="Name for customers" error={errors.name}>
            <Input name="name" dir="auto" defaultValue={settings.name} required />
          </Field>
          <Field label="Name of the account" hint="For your members, in both modes." error={errors.account_name}>
            <Input name="account_name" dir="auto" defaultValue={settings.account_name} required />
          </Field>
          <Field label="Time zone" hint="Days of figures and reports begin at midnight there." error={errors.time_zone}>
            <Input name="time_zone" list="time-zones" defaultValue={settings.time_zone} required />
          </Field>
          <datalist id="time-zones">
            {["UTC", ...zones].map((zone) => (
              <option key={zone} value={zone} />
            ))}
          </datalist>
        </>
      )}
    </Part>
  );
}

const LOGO_BYTES_MAX = 24 * 1024;

function Branding({ settings }: { settings: Settings }) {
  const [logo, setLogo] = useState(settings.branding.logo);
  const [wrong, setWrong] = useState<string | null>(null);
  const [accent, setAccent] = useState(settings.branding.accent ?? "");
  const [onAccent, setOnAccent] = useState(settings.branding.accent_text ?? "");
  function choose(file: File | undefined) {
    setWrong(null);
    if (!file) return;
    if (file.size > LOGO_BYTES_MAX) {
      setWrong(`The image has ${count(Math.ceil(file.size / 1024))} KB. At most 24 KB are kept; make it smaller.`);
      return;
    }
    const reader = new FileReader();
    reader.onload = () => setLogo(String(reader.result));
    reader.readAsDataURL(file);
  }
  return (
    <Part
      title="Branding"
      hint="How the checkout page looks."
      read={() => ({ branding: { logo, accent: orNull(accent), accent_text: orNull(onAccent) } })}
    >
      {(errors, disabled) => (
        <>
          <Field label="Logo" hint="PNG, JPEG or WebP, at most 24 KB." error={wrong ?? errors["branding.logo"]}>
            <Input
              type="file"
              accept="image/png,image/jpeg,image/webp"
              className="h-auto py-1.5 max-sm:h-auto"
              onChange={(event) => choose(event.target.files?.[0])}
            />
          </Field>
          {logo && (
            <div className="flex items-center gap-3">
              <img
                src={logo}
                alt="Your logo"
                className="max-h-14 max-w-48 rounded border border-border bg-white object-contain p-1"
              />
              <Button size="sm" disabled={disabled} onClick={() => setLogo(null)}>
                Remove
              </Button>
            </div>
          )}
          <div className="grid gap-4 sm:grid-cols-2">
            <Field
              label="Colour of buttons"
              hint="Such as #0b5fff. Empty: the default."
              error={errors["branding.accent"]}
            >
              <Input value={accent} onChange={(event) => setAccent(event.target.value)} spellCheck={false} />
            </Field>
            <Field
              label="Colour of text on buttons"
              hint="Empty: black or white, whichever reads better."
              error={errors["branding.accent_text"]}
            >
              <Input value={onAccent} onChange={(event) => setOnAccent(event.target.value)} spellCheck={false} />
            </Field>
          </div>
        </>
      )}
    </Part>
  );
}

const TOPICS: components["schemas"]["HelpTopic"][] = ["methods", "security", "faq", "troubleshooting", "terms"];

function Checkout({ settings }: { settings: Settings }) {
  const { checkout } = settings;
  return (
    <Part
      title="Checkout"
      read={(form) => ({
        checkout: {
          allowed_origins: lines(text(form, "allowed_origins")),
          customer_chooses_gateway: form.get("customer_chooses_gateway") === "on",
          support_email: orNull(text(form, "support_email")),
          support_url: orNull(text(form, "support_url")),
          terms_url: orNull(text(form, "terms_url")),
          help_texts: Object.fromEntries(
            TOPICS.map((topic) => [topic, text(form, `help_${topic}`)]).filter(([, value]) => value),
          ) as Record<string, string>,
        },
      })}
    >
      {(errors) => {
        const origins = Object.entries(errors).find(([field]) => field.startsWith("checkout.allowed_origins"));
        return (
          <>
            <Field
              label="Allowed origins"
              hint="Pages that may show the checkout in a frame, one a line, such as https://shop.example."
              error={origins?.[1]}
            >
              <TextArea
                name="allowed_origins"
                rows={3}
                spellCheck={false}
                defaultValue={checkout.allowed_origins.join("\n")}
              />
            </Field>
            <Checkbox
              name="customer_chooses_gateway"
              defaultChecked={checkout.customer_chooses_gateway}
              label="Customers choose the gateway"
              hint="They see the names of your gateways. Otherwise routing chooses."
            />
            <div className="grid gap-4 sm:grid-cols-2">
              <Field label="E-mail address of your support" error={errors["checkout.support_email"]}>
                <Input name="support_email" type="email" defaultValue={checkout.support_email ?? ""} />
              </Field>
              <Field label="Page of your support" error={errors["checkout.support_url"]}>
                <Input name="support_url" type="url" placeholder="https://" defaultValue={checkout.support_url ?? ""} />
              </Field>
              <Field label="Your terms" error={errors["checkout.terms_url"]}>
                <Input name="terms_url" type="url" placeholder="https://" defaultValue={checkout.terms_url ?? ""} />
              </Field>
            </div>
            <details>
              <summary className="cursor-pointer font-medium">Texts on the help pages</summary>
              <div className="mt-3 grid gap-4">
                {TOPICS.map((topic) => (
                  <Field
                    key={topic}
                    label={topic === "faq" ? "FAQ" : named(topic)}
                    error={errors[`checkout.help_texts.${topic}`]}
                  >
                    <TextArea
                      name={`help_${topic}`}
                      dir="auto"
                      rows={3}
                      defaultValue={checkout.help_texts[topic] ?? ""}
                    />
                  </Field>
                ))}
              </div>
            </details>
          </>
        );
      }}
    </Part>
  );
}

function Limits({ settings }: { settings: Settings }) {
  const { limits } = settings;
  return (
    <Card title="Limits" hint="What this installation accepts. An operator sets the rates.">
      <Facts>
        <Fact name="Requests">{limits.requests}</Fact>
        <Fact name="Payments of one customer">{limits.payments_per_customer ?? "no limit"}</Fact>
        <Fact name="Webhook retries by hand">{limits.webhook_retries}</Fact>
        <Fact name="API keys">{count(limits.api_keys)}</Fact>
        <Fact name="Webhook endpoints">{count(limits.webhook_endpoints)}</Fact>
        <Fact name="Gateways">{count(limits.gateways)}</Fact>
        <Fact name="Rows a page">{count(limits.page_size)}</Fact>
        <Fact name="Size of a request">{count(limits.request_body_bytes / 1024)} KB</Fact>
      </Facts>
    </Card>
  );
}
