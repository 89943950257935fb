/**
 * How many spans one sampled span stands for, by the threshold in its `tracestate` (OpenTelemetry's `ot=th:…`, consistent
 * probability sampling): up to 14 hexadecimal digits, filled with zeros on the right, are the share of traces that was left out.
 */
const ALL = 2 ** 56;
const DIGITS = 14;
/** A threshold that lets fewer than one in a million traces through is taken for a mistake. */
const MAX_WEIGHT = 1_000_000;
const VENDOR = /(?:^|,)\s*ot=([^,]*)/;
const THRESHOLD = /(?:^|;)th:([0-9a-f]{1,14})\s*(?:;|$)/;

/** Undefined without a valid threshold, and for a span that stands for itself. */
export function samplingWeight(traceState: string): number | undefined {
  const digits = THRESHOLD.exec(VENDOR.exec(traceState)?.[1] ?? '')?.[1];
  if (digits === undefined) return undefined;
  const left = ALL - Number.parseInt(digits.padEnd(DIGITS, '0'), 16);
  const weight = ALL / left;
  return weight > 1 && weight <= MAX_WEIGHT ? weight : undefined;
}
