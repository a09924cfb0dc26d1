import { useMutation } from "@tanstack/react-query";
import { Link, useRouterState } from "@tanstack/react-router";
import {
  Check,
  ChevronsUpDown,
  CircleUser,
  LogOut,
  Menu as MenuIcon,
  Monitor,
  Moon,
  Search,
  Sun,
  WifiOff,
} from "lucide-react";
import {
  lazy,
  type ReactNode,
  Suspense,
  useEffect,
  useLayoutEffect,
  useRef,
  useState,
  useSyncExternalStore,
} from "react";
import { raw } from "@/api/raw";
import { cn } from "@/lib/cn";
import { PALETTE_KEY } from "@/lib/keys";
import { applyTheme, type Theme, theme } from "@/lib/theme";
import { named } from "@/lib/words";
import { useSession } from "@/session";
import { useLive } from "@/shell/live";
import { visibleGroups } from "@/shell/navigation";
import { StepUp } from "@/shell/step-up";
import { Button } from "@/ui/button";
import { Menu, MenuItem, MenuLabel, MenuSeparator } from "@/ui/menu";

const Drawer = lazy(() => import("@/shell/drawer"));
const Palette = lazy(() => import("@/shell/palette"));
const Shortcuts = lazy(() => import("@/shell/shortcuts"));

export function Layout({ children }: { children: ReactNode }) {
  const [palette, setPalette] = useState(false);
  const [drawer, setDrawer] = useState(false);
  const main = useRef<HTMLElement>(null);
  const path = useRouterState({ select: (state) => state.location.pathname });
  const first = useRef(true);
  const drawerButton = useRef<HTMLButtonElement>(null);
  const drawerOpenedAt = useRef(path);

  // A new page is announced: the focus goes to its content, and the drawer of a phone closes.
  // biome-ignore lint/correctness/useExhaustiveDependencies: the path is what changes
  useEffect(() => {
    setDrawer(false);
    if (first.current) first.current = false;
    else main.current?.focus({ preventScroll: true });
  }, [path]);

  function openDrawer() {
    drawerOpenedAt.current = path;
    setDrawer(true);
  }
  function focusAfterDrawer() {
    if (window.location.pathname === drawerOpenedAt.current) drawerButton.current?.focus();
    else main.current?.focus({ preventScroll: true });
  }

  return (
    <>
      <a
        href="#content"
        className="sr-only focus:not-sr-only focus:fixed focus:top-2 focus:left-2 focus:z-50 focus:rounded-lg focus:bg-primary focus:px-4 focus:py-2 focus:text-on-primary"
      >
        Skip to the content
      </a>
      <ModeBar />
      <div className="flex min-h-dvh">
        <aside className="sticky top-0 hidden h-dvh w-60 shrink-0 flex-col border-r border-border bg-surface pt-[var(--bar)] lg:flex">
          <Navigation />
        </aside>
        <div className="flex min-w-0 flex-1 flex-col pt-[var(--bar)]">
          <header className="sticky top-[var(--bar)] z-20 flex h-14 items-center gap-2 border-b border-border bg-surface px-3 sm:px-6">
            <Button
              ref={drawerButton}
              look="ghost"
              size="icon"
              aria-label="Menu"
              aria-haspopup="dialog"
              aria-expanded={drawer}
              onClick={openDrawer}
              className="lg:hidden"
            >
              <MenuIcon />
            </Button>
            <button
              type="button"
              onClick={() => setPalette(true)}
              className="flex h-9 min-w-0 flex-1 items-center gap-2 rounded-lg border border-border bg-background px-3 text-left text-subtle hover:bg-muted sm:max-w-sm"
            >
              <Search aria-hidden className="size-4 shrink-0" />
              <span className="truncate">Find a page or an id</span>
              <kbd className="ml-auto hidden rounded border border-border px-1.5 font-mono text-xs sm:block">
                {PALETTE_KEY}
              </kbd>
            </button>
            <div className="ml-auto flex items-center gap-1">
              <Connection />
              <UserMenu />
            </div>
          </header>
          <main ref={main} id="content" tabIndex={-1} className="flex-1 px-3 py-5 outline-none sm:px-6 sm:py-7">
            {children}
          </main>
        </div>
      </div>
      {drawer && (
        <Suspense>
          <Drawer onClose={() => setDrawer(false)} returnFocus={focusAfterDrawer}>
            <Navigation />
          </Drawer>
        </Suspense>
      )}
      {palette && (
        <Suspense>
          <Palette onClose={() => setPalette(false)} />
        </Suspense>
      )}
      <Suspense>
        <Shortcuts onPalette={() => setPalette(true)} />
      </Suspense>
      <StepUp />
    </>
  );
}

/** Test data looks like live data, so a bar says which it is on every page. */
function ModeBar() {
  const { mode, membership, merchant, switchTo } = useSession();
  const isTest = mode === "test";
  const live = membership?.merchants.find((each) => each.mode === "live" && each.id !== merchant?.id);
  // Before the first paint, or the page is painted without the room for the bar and then moves.
  useLayoutEffect(() => {
    document.documentElement.style.setProperty("--bar", isTest ? "28px" : "0px");
  }, [isTest]);
  if (!isTest) return null;
  return (
    <div
      data-testid="test-mode"
      className="fixed inset-x-0 top-0 z-30 flex h-7 items-center justify-center gap-3 bg-test px-3 text-xs font-medium text-black"
    >
      <span className="truncate">Test mode: no real money moves</span>
      {live && (
        <button type="button" onClick={() => switchTo(live.id)} className="shrink-0 underline underline-offset-2">
          Switch to live
        </button>
      )}
    </div>
  );
}

function Navigation() {
  const { can, mode, me } = useSession();
  return (
    <>
      <div className="p-3">
        <MerchantSwitch />
      </div>
      <nav aria-label="Pages" className="flex-1 overflow-y-auto px-3 pb-4">
        {visibleGroups({ can, mode, isOperator: me.is_operator }).map((group) => (
          <div key={group.label ?? ""} className="mb-3">
            {group.label && <p className="px-2.5 pt-2 pb-1 text-xs font-medium text-subtle">{group.label}</p>}
            <ul>
              {group.places.map((place) => (
                <li key={place.to}>
                  <Link
                    to={place.to}
                    activeOptions={{ exact: place.to === "/", includeSearch: false }}
                    className="flex h-9 items-center gap-2.5 rounded-lg px-2.5 hover:bg-muted max-lg:h-11"
                    activeProps={{
                      className: "bg-primary-soft text-on-primary-soft font-medium hover:bg-primary-soft",
                    }}
                  >
                    <place.icon aria-hidden className="size-4 shrink-0" />
                    <span className="truncate">{place.label}</span>
                  </Link>
                </li>
              ))}
            </ul>
          </div>
        ))}
      </nav>
    </>
  );
}

function MerchantSwitch() {
  const { me, membership, merchant, mode, switchTo } = useSession();
  const initial = (membership?.account_name ?? "?").trim().charAt(0).toUpperCase() || "?";
  return (
    <Menu
      align="start"
      trigger={
        <button
          type="button"
          className="flex w-full items-center gap-2.5 rounded-lg border border-border p-2 text-left hover:bg-muted"
          aria-label={`Business and mode: ${membership?.account_name ?? "none"}, ${mode}`}
        >
          <span className="grid size-8 shrink-0 place-items-center rounded-lg bg-primary text-sm font-semibold text-on-primary">
            {initial}
          </span>
          <span className="min-w-0 flex-1">
            <span dir="auto" className="block truncate font-medium">
              {membership?.account_name ?? "No business"}
            </span>
            <span className="block text-xs text-subtle">
              {named(mode)} · {membership ? named(membership.role) : "no role"}
            </span>
          </span>
          <ChevronsUpDown aria-hidden className="size-4 shrink-0 text-subtle" />
        </button>
      }
    >
      {me.memberships.map((each) => (
        <div key={each.account_id}>
          <MenuLabel>
            <span dir="auto">{each.account_name}</span>
          </MenuLabel>
          {each.merchants.map((one) => (
            <MenuItem key={one.id} onSelect={() => switchTo(one.id)}>
              <span aria-hidden className={cn("size-2 rounded-full", one.mode === "live" ? "bg-success" : "bg-test")} />
              {named(one.mode)} mode
              {one.id === merchant?.id && <Check aria-label="chosen" className="ml-auto" />}
            </MenuItem>
          ))}
        </div>
      ))}
    </Menu>
  );
}

function subscribeToNetwork(changed: () => void) {
  window.addEventListener("online", changed);
  window.addEventListener("offline", changed);
  return () => {
    window.removeEventListener("online", changed);
    window.removeEventListener("offline", changed);
  };
}

/** Whether what the page shows is kept current, and how. */
function Connection() {
  const state = useLive();
  const online = useSyncExternalStore(subscribeToNetwork, () => navigator.onLine);
  const [text, colour] = !online
    ? ["Offline: the page shows what was last loaded", "bg-danger"]
    : state.kind === "connected"
      ? ["Connected: changes appear by themselves", "bg-success"]
      : ["Updates every 15 seconds; connecting again", "bg-test"];
  return (
    <span role="status" className="flex items-center gap-2 px-1 text-xs text-subtle" title={text}>
      {online ? (
        <span aria-hidden className={cn("size-2 rounded-full", colour)} />
      ) : (
        <WifiOff aria-hidden className="size-4 text-danger" />
      )}
      <span className={cn(online && state.kind === "connected" ? "hidden sm:inline" : "sr-only xl:not-sr-only")}>
        {!online ? "Offline" : state.kind === "connected" ? "Connected" : "Connecting"}
      </span>
    </span>
  );
}

const THEMES: [Theme, string, typeof Sun][] = [
  ["system", "Like the system", Monitor],
  ["light", "Light", Sun],
  ["dark", "Dark", Moon],
];

function UserMenu() {
  const { me } = useSession();
  const [chosen, setChosen] = useState(theme());
  const logOut = useMutation({
    mutationFn: () => raw("POST", "/auth/logout"),
    onSettled: () => window.location.assign("/login"),
  });
  return (
    <Menu
      trigger={
        <Button look="ghost" size="icon" aria-label="Your account">
          <CircleUser />
        </Button>
      }
    >
      <MenuLabel>
        <span dir="auto" className="block truncate text-sm text-foreground">
          {me.name}
        </span>
        <span className="block truncate font-normal">{me.email}</span>
      </MenuLabel>
      <MenuSeparator />
      <MenuItem asChild>
        <Link to="/account">
          <CircleUser aria-hidden /> Your account
        </Link>
      </MenuItem>
      <MenuSeparator />
      {THEMES.map(([value, label, Icon]) => (
        <MenuItem
          key={value}
          onSelect={() => {
            applyTheme(value);
            setChosen(value);
          }}
        >
          <Icon aria-hidden /> {label}
          {chosen === value && <Check aria-label="chosen" className="ml-auto" />}
        </MenuItem>
      ))}
      <MenuSeparator />
      <MenuItem onSelect={() => logOut.mutate()}>
        <LogOut aria-hidden /> Log out
      </MenuItem>
    </Menu>
  );
}
