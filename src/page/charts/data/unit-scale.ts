/**
 * Units of axes and figures, from UCUM (ucum.org) as OpenTelemetry uses it. One unit for each axis, chosen by its largest
 * value: seconds from ns to days, bytes in powers of 1,024, ratios in percent, annotations in braces as words. Pure.
 */
import type { Unit } from '../../../dashboards/panel.ts';
import type { Figure, Scale } from '../../state/format.ts';
import { digits, NONE } from '../../state/format.ts';

/** The UCUM unit of a panel's unit. */
const UCUM: Readonly<Record<Unit, string>> = {
  seconds: 's',
  requests_per_second: '{request}/s',
  per_second: '1/s',
  ratio: '1',
  bytes: 'By',
  bytes_per_second: 'By/s',
  cores: '{cpu}',
  count: '',
};

export const ucumOf = (unit: string): string => (Object.hasOwn(UCUM, unit) ? UCUM[unit as Unit] : unit);

/** The unit words at the end of Prometheus names. */
const WORDS: readonly (readonly [RegExp, string])[] = [
  [/_seconds(_sum|_bucket)?$/, 's'],
  [/_bytes(_sum|_bucket)?$/, 'By'],
  [/_ratio$/, '1'],
  [/_seconds_total$/, 's'],
  [/_bytes_total$/, 'By'],
];

/** The unit that the name of a metric says; '' when it says none. */
export const unitOfName = (name: string): string => WORDS.find(([word]) => word.test(name))?.[1] ?? '';

/** The unit of an expression over one metric, as far as its form shows; '' when it does not. */
export function unitOfExpr(expr: string): string {
  const names = expr.replace(/"[^"]*"/g, '').match(/[a-zA-Z_:][\w:]*/g) ?? [];
  const unit = unitOfName(names.find((name) => unitOfName(name) !== '') ?? '');
  if (/\bhistogram_quantile\s*\(/.test(expr)) return unit;
  if (/[^<>=!]\/(?!\/)/.test(expr.replace(/"[^"]*"/g, ''))) {
    // A sum divided by a count is a mean in the unit of the sum; any other quotient of equal units is a ratio.
    return /_sum\b/.test(expr) && /_count\b/.test(expr) ? unit : '';
  }
  const isRate = /\bi?rate\s*\(/.test(expr);
  // Observations, whatever the histogram measures.
  if (/\bhistogram_count\s*\(/.test(expr)) return isRate ? '1/s' : '';
  if (!isRate) return unit;
  if (/_(count|total)\b/.test(expr) && unit === '') return '1/s';
  return unit === 's' ? '{cpu}' : unit === '' ? '' : `${unit}/s`;
}

type Step = readonly [from: number, factor: number, unit: string];

const TIME: readonly Step[] = [
  [2 * 86_400, 1 / 86_400, 'd'],
  [2 * 3_600, 1 / 3_600, 'h'],
  [120, 1 / 60, 'min'],
  [10, 1, 's'],
  [0.001, 1e3, 'ms'],
  [1e-6, 1e6, 'µs'],
  [0, 1e9, 'ns'],
];
const BINARY = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'].map((unit, power): Step => [
  power === 0 ? 0 : 1_024 ** power,
  1_024 ** -power,
  unit,
]);
BINARY.reverse();

const stepFor = (steps: readonly Step[], size: number): Scale => {
  const [, factor, unit] = steps.find(([from]) => size >= from) ?? steps[steps.length - 1];
  return { factor, unit };
};

/** What `{word}` is called beside a figure. */
const NAMES: Readonly<Record<string, string>> = { request: 'req', cpu: 'cores', operation: 'ops' };
const wordOf = (text: string): string => NAMES[text] ?? text;

function baseScale(unit: string, size: number): Scale {
  if (unit === 's') return size === 0 ? { factor: 1e3, unit: 'ms' } : stepFor(TIME, size);
  if (unit === 'ms' || unit === 'us' || unit === 'ns') {
    const seconds = unit === 'ms' ? 1e-3 : unit === 'us' ? 1e-6 : 1e-9;
    const { factor, unit: word } = baseScale('s', size * seconds);
    return { factor: factor * seconds, unit: word };
  }
  if (unit === 'By') return stepFor(BINARY, size);
  if (unit === '1') return { factor: 100, unit: '%' };
  return { factor: 1, unit: wordOf(unit.replace(/[{}]/g, '')) };
}

/** How values of a unit up to `largest` are drawn: the factor of the values, and the word after them. */
export function scaleFor(unit: string, largest: number): Scale {
  const size = Number.isFinite(largest) ? Math.abs(largest) : 0;
  const [top, below] = unit.split('/');
  if (below === undefined) return baseScale(unit, size);
  if (top === '1') return { factor: 1, unit: `/${wordOf(below)}` };
  // Time divided by time is a number of cores or a share.
  const { factor, unit: word } = top === 's' ? { factor: 1, unit: 's' } : baseScale(top, size);
  return { factor, unit: `${word}/${wordOf(below.replace(/[{}]/g, ''))}` };
}

/** One figure in the unit that fits it. */
export function figureOf(value: number | null | undefined, unit: string): Figure {
  if (value === null || value === undefined || !Number.isFinite(value)) return { value: NONE, unit: '' };
  const { factor, unit: word } = scaleFor(unit, value);
  return { value: digits(value * factor), unit: word };
}
