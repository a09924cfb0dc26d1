import { Tabs } from "@/ui/tabs";

const TABS = [
  ["/webhooks", "Endpoints"],
  ["/webhooks/deliveries", "Deliveries"],
  ["/webhooks/verify", "Verify a webhook"],
] as const;

/** The parts of Webhooks. */
export function WebhookTabs() {
  return <Tabs label="Webhooks" tabs={TABS} />;
}
