import { useSession } from "@/session";
import { Tabs } from "@/ui/tabs";

/** The parts of Developers that this person may see. */
export function DeveloperTabs() {
  const { can } = useSession();
  return (
    <Tabs
      label="Developers"
      tabs={[
        ["/developers", "API keys"],
        ...(can("request_log:read") ? ([["/developers/requests", "Request log"]] as const) : []),
        ["/developers/guide", "Integration guide"],
        ["/developers/reference", "API reference"],
        ...(can("events:read") ? ([["/developers/events", "Event catalogue"]] as const) : []),
      ]}
    />
  );
}
