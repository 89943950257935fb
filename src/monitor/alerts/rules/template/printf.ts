/** Go's fmt.Sprintf for the verbs of templates: %v %s %q %d %x %X %f %e %g %t %T %c %%, with flags, width, precision. */
import { formatExponent, formatGeneral } from '../../../../model/go-float.ts';
import { quote } from '../../../../model/text/quoting.ts';
import type { Value } from './value.ts';
import { goString, typeName } from './value.ts';

const VERB = /%([-+# 0]*)(\d+|\*)?(?:\.(\d*))?([a-zA-Z%])/g;
/** Widths and precisions beyond it are cut: a template must not fill the memory. */
const MAX_WIDTH = 1_000;

const padExponent = (text: string): string => text.replace(/e([+-])(\d)$/, 'e$10$2');

/**
 * `%.4g`: that many significant digits without trailing zeros. An exponent is written below 1e-4, and when the digits do not
 * reach the point.
 */
export function significant(value: number, digits: number): string {
  if (!Number.isFinite(value) || value === 0) return formatGeneral(value);
  const precision = Math.max(digits, 1);
  const exponential = value.toExponential(precision - 1);
  const exponent = Number(exponential.slice(exponential.indexOf('e') + 1));
  if (exponent < -4 || exponent >= precision) return padExponent(exponential.replace(/\.?0+e/, 'e'));
  const plain = value.toFixed(precision - 1 - exponent);
  return plain.includes('.') ? plain.replace(/\.?0+$/, '') : plain;
}

function floatText(verb: string, value: number, precision: number | undefined): string {
  if (!Number.isFinite(value)) return formatGeneral(value);
  if (verb === 'f' || verb === 'F') return value.toFixed(Math.min(precision ?? 6, 100));
  if (verb === 'e') return padExponent(value.toExponential(Math.min(precision ?? 6, 100)));
  if (verb === 'E') return padExponent(value.toExponential(Math.min(precision ?? 6, 100))).toUpperCase();
  return precision === undefined ? formatGeneral(value) : significant(value, Math.min(precision, 100));
}

function intText(verb: string, value: bigint): string | undefined {
  const bases: Readonly<Record<string, number>> = { d: 10, v: 10, x: 16, X: 16, o: 8, b: 2 };
  if (verb === 'c') return String.fromCodePoint(Number(BigInt.asUintN(20, value)));
  if (verb === 'q') return `'${String.fromCodePoint(Number(BigInt.asUintN(20, value)))}'`;
  if (!(verb in bases)) return undefined;
  const text = value.toString(bases[verb]);
  return verb === 'X' ? text.toUpperCase() : text;
}

function stringText(verb: string, value: string, precision: number | undefined): string | undefined {
  const cut = precision === undefined ? value : Array.from(value).slice(0, precision).join('');
  if (verb === 's' || verb === 'v') return cut;
  if (verb === 'q') return quote(cut);
  if (verb === 'x' || verb === 'X') {
    const hex = Buffer.from(cut).toString('hex');
    return verb === 'X' ? hex.toUpperCase() : hex;
  }
  return undefined;
}

/** Undefined when the verb does not fit the value. */
function format(verb: string, value: Value, precision: number | undefined): string | undefined {
  if (verb === 'T') return typeName(value);
  if (typeof value === 'number') return 'eEfFgGv'.includes(verb) ? floatText(verb, value, precision) : undefined;
  if (typeof value === 'bigint') return intText(verb, value);
  if (typeof value === 'string') return stringText(verb, value, precision);
  if (typeof value === 'boolean') return verb === 't' || verb === 'v' ? String(value) : undefined;
  return stringText(verb, goString(value), precision);
}

function pad(text: string, flags: string, width: number, numeric: boolean): string {
  let out = text;
  if (numeric && flags.includes('+') && !/^[+-]/.test(out)) out = `+${out}`;
  else if (numeric && flags.includes(' ') && !/^[+-]/.test(out)) out = ` ${out}`;
  if (flags.includes('-')) return out.padEnd(width);
  if (!flags.includes('0') || !numeric || !/\d/.test(out)) return out.padStart(width);
  const sign = /^[+\- ]/.test(out) ? out[0] : '';
  return sign + out.slice(sign.length).padStart(width - sign.length, '0');
}

export function sprintf(pattern: string, values: readonly Value[]): string {
  let next = 0;
  const take = (): Value => {
    next += 1;
    return values[next - 1];
  };
  let out = pattern.replace(VERB, (_all, flags: string, widthText: string | undefined, precisionText, verb: string) => {
    if (verb === '%') return '%';
    const width = Math.min(widthText === '*' ? Number(take()) || 0 : Number(widthText ?? 0), MAX_WIDTH);
    const precision = precisionText === undefined ? undefined : Math.min(Number(precisionText), MAX_WIDTH);
    if (next >= values.length) return `%!${verb}(MISSING)`;
    const value = take();
    const text = format(verb, value, precision);
    if (text === undefined) return `%!${verb}(${typeName(value)}=${goString(value)})`;
    return pad(text, flags, width, typeof value === 'number' || typeof value === 'bigint');
  });
  if (next < values.length) {
    out += `%!(EXTRA ${values
      .slice(next)
      .map((value) => `${typeName(value)}=${goString(value)}`)
      .join(', ')})`;
  }
  return out;
}

/** fmt.Sprint: a space between two operands when neither is a string. */
export function sprint(values: readonly Value[]): string {
  let out = '';
  for (const [at, value] of values.entries()) {
    if (at > 0 && typeof value !== 'string' && typeof values[at - 1] !== 'string') out += ' ';
    out += typeof value === 'number' && !Number.isFinite(value) ? formatExponent(value) : goString(value);
  }
  return out;
}
