/** ISO 4217: currencies whose minor unit is not a hundredth. A Python test compares this with the API's own table. */
export const DIGITS: Readonly<Record<string, number>> = {
  BIF: 0,
  CLP: 0,
  DJF: 0,
  GNF: 0,
  ISK: 0,
  JPY: 0,
  KMF: 0,
  KRW: 0,
  PYG: 0,
  RWF: 0,
  UGX: 0,
  UYI: 0,
  VND: 0,
  VUV: 0,
  XAF: 0,
  XOF: 0,
  XPF: 0,
  BHD: 3,
  IQD: 3,
  JOD: 3,
  KWD: 3,
  LYD: 3,
  OMR: 3,
  TND: 3,
  CLF: 4,
  UYW: 4,
};

export function digitsOf(currency: string): number {
  return DIGITS[currency] ?? 2;
}

/** 123456 minor units of a currency with two digits -> "1234.56", exactly. */
export function toDecimal(minor: number, currency: string): string {
  const digits = digitsOf(currency);
  const sign = minor < 0 ? "-" : "";
  const text = Math.abs(minor)
    .toString()
    .padStart(digits + 1, "0");
  return digits === 0 ? sign + text : `${sign}${text.slice(0, -digits)}.${text.slice(-digits)}`;
}

/** "1,234.5" -> 123450; null when it is no amount of this currency: it has too many digits, or is no number. */
export function toMinor(text: string, currency: string): number | null {
  const digits = digitsOf(currency);
  const found = /^(\d+)(?:\.(\d+))?$/.exec(text.trim().replaceAll(/[,\s]/g, ""));
  if (!found) return null;
  const fraction = found[2] ?? "";
  if (fraction.length > digits) return null;
  const minor = Number(`${found[1]}${fraction.padEnd(digits, "0")}`);
  return Number.isSafeInteger(minor) ? minor : null;
}

const formats = new Map<string, Intl.NumberFormat>();

export function money(minor: number, currency: string): string {
  const digits = digitsOf(currency);
  let format = formats.get(currency);
  if (!format) {
    format = new Intl.NumberFormat(undefined, {
      style: "currency",
      currency,
      minimumFractionDigits: digits,
      maximumFractionDigits: digits,
    });
    formats.set(currency, format);
  }
  return format.format(toDecimal(minor, currency) as Intl.StringNumericLiteral);
}

/** For axes, where there is little room: "₹1.2M". */
export function compactMoney(minor: number, currency: string): string {
  const format = new Intl.NumberFormat(undefined, {
    style: "currency",
    currency,
    notation: "compact",
    maximumFractionDigits: 1,
  });
  return format.format(minor / 10 ** digitsOf(currency));
}

const compactNumber = new Intl.NumberFormat();

export function count(value: number): string {
  return compactNumber.format(value);
}

/** A count or a sum in words: "500,000 or more" where not all was counted. */
export function atLeast(shown: string, isWhole: boolean): string {
  return isWhole ? shown : `${shown} or more`;
}

/**
 * A number of things in words: "1 refund", "2 refunds", "500,000 or more refunds" where not all were counted.
 * Give the plural where it is not the singular with an s.
 */
export function plural(number: number, one: string, many = `${one}s`, isWhole = true): string {
  return `${atLeast(count(number), isWhole)} ${number === 1 ? one : many}`;
}

/** 0.9731 -> "97.3 %"; null is a dash: there is nothing to divide by. */
export function percent(rate: number | null | undefined): string {
  return rate === null || rate === undefined ? "–" : `${(rate * 100).toFixed(1)} %`;
}
