/**
 * The functions of Prometheus 3.14 with their signatures (the table of promql/parser/functions.go, in this project's form).
 * `variadic` is the number of arguments that the last type may stand for in addition to the fixed ones: 0 none, n at most n
 * (the last fixed argument is then optional), -1 any number.
 */
import type { ValueType } from './ast.ts';

export interface FunctionSignature {
  readonly name: string;
  readonly argTypes: readonly ValueType[];
  readonly variadic: number;
  readonly returnType: ValueType;
  readonly experimental: boolean;
}

const LETTERS: Readonly<Record<string, ValueType>> = { v: 'vector', m: 'matrix', s: 'scalar', t: 'string' };
const table = new Map<string, FunctionSignature>();

/** `types` has one letter for each argument: v(ector), m(atrix), s(calar), t(ext). */
function add(names: string, types: string, options: Partial<FunctionSignature> = {}): void {
  const argTypes = Array.from(types, (letter) => LETTERS[letter]);
  for (const name of names.split(' ')) {
    table.set(name, { name, argTypes, variadic: 0, returnType: 'vector', experimental: false, ...options });
  }
}

add('abs absent acos acosh asin asinh atan atanh ceil cos cosh deg exp floor ln log10 log2 rad sgn sin sinh sqrt', 'v');
add('sort sort_desc tan tanh timestamp', 'v');
add('histogram_avg histogram_count histogram_stddev histogram_stdvar histogram_sum', 'v');
add('absent_over_time avg_over_time changes count_over_time delta deriv idelta increase irate last_over_time', 'm');
add('max_over_time min_over_time present_over_time rate resets stddev_over_time stdvar_over_time sum_over_time', 'm');
add('first_over_time mad_over_time ts_of_first_over_time ts_of_last_over_time', 'm', { experimental: true });
add('ts_of_max_over_time ts_of_min_over_time', 'm', { experimental: true });
add('start_timestamp', 'v', { experimental: true });
add('day_of_month day_of_week day_of_year days_in_month hour minute month year', 'v', { variadic: 1 });
add('clamp', 'vss');
add('clamp_max clamp_min', 'vs');
add('round', 'vs', { variadic: 1 });
add('scalar', 'v', { returnType: 'scalar' });
add('vector', 's');
add('pi time', '', { returnType: 'scalar' });
add('start end range step', '', { returnType: 'scalar', experimental: true });
add('min_of max_of', 'ss', { returnType: 'scalar', experimental: true });
add('double_exponential_smoothing', 'mss', { experimental: true });
add('predict_linear', 'ms');
add('quantile_over_time', 'sm');
add('histogram_quantile', 'sv');
add('histogram_quantiles', 'vtss', { variadic: 9, experimental: true });
add('histogram_fraction', 'ssv');
add('info', 'vv', { variadic: 1, experimental: true });
add('label_replace', 'vtttt');
add('label_join', 'vttt', { variadic: -1 });
add('sort_by_label sort_by_label_desc', 'vt', { variadic: -1, experimental: true });

export const FUNCTIONS: ReadonlyMap<string, FunctionSignature> = table;
