/**
 * Floats as Go's strconv.FormatFloat(x, 'f', -1, 64) prints them: the shortest digits that read back the same, never an
 * exponent. Label values (`le`, `quantile`) are compared as text, so they must be written as Prometheus writes them.
 */
export function formatGoFloat(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (value === Infinity) return '+Inf';
  if (value === -Infinity) return '-Inf';
  if (Object.is(value, -0)) return '-0';
  const text = String(value);
  const found = /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(text);
  if (!found) return text;
  const [, sign, head, tail = '', exponent] = found;
  const digits = head + tail;
  // The point stands after this many digits.
  const point = 1 + Number(exponent);
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`;
  return sign + digits.padEnd(point, '0');
}
