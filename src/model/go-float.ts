/**
 * Numbers as Go prints them, which is how Prometheus does: shortest digits that read back to the same value, exponents of
 * at least two digits, `NaN`, `+Inf`, `-Inf`. Label values (`le`, `quantile`) are compared as text, so each protocol writes them
 * as its peer does: 'f' where OTLP becomes series (Prometheus' translator), 'g' on a page that is scraped (its Go client).
 */

function special(value: number): string | undefined {
  if (Number.isNaN(value)) return 'NaN';
  if (value === Infinity) return '+Inf';
  if (value === -Infinity) return '-Inf';
  return Object.is(value, -0) ? '-0' : undefined;
}

/** `1e-7` → `1e-07`. */
const padExponent = (text: string): string => text.replace(/e([+-])(\d)$/, 'e$10$2');

/** As the HTTP API writes sample values: plain digits from 1e-6 to below 1e21, else with an exponent. */
export function formatValue(value: number): string {
  // JavaScript switches to exponents at the same values, so only the exponent's width differs.
  if (Number.isInteger(value) && Math.abs(value) < 1e15) return Object.is(value, -0) ? '-0' : String(value);
  if (!Number.isFinite(value)) return special(value) as string;
  const text = String(value);
  return text.includes('e') ? padExponent(text) : text;
}

/** Go's 'e': `1e+00`, as alerts write their values. */
export function formatExponent(value: number): string {
  if (Object.is(value, -0)) return '-0e+00';
  return special(value) ?? padExponent(value.toExponential());
}

/** Go's 'f' with the shortest digits: never an exponent, as count_values and the OTLP translator write labels. */
export function formatPlain(value: number): string {
  const known = special(value);
  if (known !== undefined) return known;
  const text = String(value);
  const found = /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(text);
  if (!found) return text;
  const [, sign, lead, fraction = '', exponentText] = found;
  const exponent = Number(exponentText);
  const digits = lead + fraction;
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`;
  return sign + digits.padEnd(exponent + 1, '0');
}

/** Go's %v and %g with the shortest digits: an exponent below 1e-4 and from 1e+06 (strconv's 'g' with precision -1). */
export function formatGeneral(value: number): string {
  const known = special(value);
  if (known !== undefined) return known;
  if (value === 0) return '0';
  const exponential = value.toExponential();
  const exponent = Number(exponential.slice(exponential.indexOf('e') + 1));
  return exponent < -4 || exponent >= 6 ? padExponent(exponential) : formatPlain(value);
}
