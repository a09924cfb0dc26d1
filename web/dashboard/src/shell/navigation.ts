import {
  CalendarClock,
  Code,
  CreditCard,
  FlaskConical,
  House,
  type LucideIcon,
  ReceiptText,
  ScrollText,
  ServerCog,
  Settings,
  Split,
  Undo2,
  UserRound,
  Users,
  Waypoints,
  Webhook,
} from "lucide-react";

import type { Permission } from "@/session";

/** One page in the navigation, the palette and the shortcuts. Add a line here, and a file in `src/routes/_app/`. */
export type Place = {
  to: string;
  label: string;
  icon: LucideIcon;
  /** Pressed after `g`. */
  key?: string;
  /** Shown only to those whose role has it. */
  permission?: Permission;
  /** Shown only while test data is shown. */
  testOnly?: boolean;
  operatorOnly?: boolean;
};

export type Group = { label: string | null; places: Place[] };

export const NAVIGATION: Group[] = [
  {
    label: null,
    places: [
      { to: "/", label: "Home", icon: House, key: "h" },
      { to: "/payments", label: "Transactions", icon: CreditCard, key: "t", permission: "payments:read" },
      { to: "/orders", label: "Orders", icon: ReceiptText, key: "o", permission: "orders:read" },
      { to: "/refunds", label: "Refunds", icon: Undo2, key: "r", permission: "refunds:read" },
      { to: "/customers", label: "Customers", icon: UserRound, key: "c", permission: "payments:read" },
      { to: "/events", label: "Events", icon: CalendarClock, key: "e", permission: "events:read" },
    ],
  },
  {
    label: "Integration",
    places: [
      { to: "/webhooks", label: "Webhooks", icon: Webhook, key: "w", permission: "endpoints:read" },
      { to: "/gateways", label: "Gateways", icon: Waypoints, key: "g", permission: "gateways:read" },
      { to: "/routing", label: "Routing", icon: Split, key: "p", permission: "routing:read" },
      { to: "/developers", label: "Developers", icon: Code, key: "d", permission: "keys:read" },
      {
        to: "/testing",
        label: "Testing tools",
        icon: FlaskConical,
        key: "x",
        permission: "payments:read",
        testOnly: true,
      },
    ],
  },
  {
    label: "Business",
    places: [
      { to: "/team", label: "Team", icon: Users, key: "m", permission: "members:read" },
      { to: "/audit", label: "Audit log", icon: ScrollText, key: "a", permission: "audit:read" },
      { to: "/settings", label: "Settings", icon: Settings, key: "s", permission: "settings:read" },
      { to: "/operator", label: "Operator", icon: ServerCog, key: "z", operatorOnly: true },
    ],
  },
];

export type Viewer = { can: (permission: Permission) => boolean; mode: "live" | "test"; isOperator: boolean };

export function isVisible(place: Place, viewer: Viewer): boolean {
  if (place.permission && !viewer.can(place.permission)) return false;
  if (place.testOnly && viewer.mode !== "test") return false;
  return !place.operatorOnly || viewer.isOperator;
}

export function visibleGroups(viewer: Viewer): Group[] {
  return NAVIGATION.map((group) => ({
    ...group,
    places: group.places.filter((place) => isVisible(place, viewer)),
  })).filter((group) => group.places.length > 0);
}
