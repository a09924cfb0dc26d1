const TITLES: Readonly<Record<string, string>> = {
  stripe: "Stripe",
  paypal: "PayPal",
  square: "Square",
  simulator: "Simulator",
  custom: "Custom gateway",
};

export function kindName(kind: string): string {
  return TITLES[kind] ?? kind;
}

export function percent(rate: number | null | undefined): string {
  return rate === null || rate === undefined ? "–" : `${(rate * 100).toFixed(1)} %`;
}
