/**
 * Go's `math.Log2` and `math.Exp2` (FreeBSD's msun, as in Go's math/log.go and math/exp.go): quantiles of native histograms
 * are interpolated on a logarithmic scale, and JavaScript's functions differ from Go's in the last digit.
 */
const [LN2_HI, LN2_LO] = [6.9314718036912381649e-1, 1.90821492927058770002e-10];
const [L1, L2, L3, L4, L5, L6, L7] = [
  6.66666666666673513e-1, 3.999999999940941908e-1, 2.857142874366239149e-1, 2.222219843214978396e-1,
  1.818357216161805012e-1, 1.531383769920937332e-1, 1.479819860511658591e-1,
];
const [P1, P2, P3, P4, P5] = [
  1.66666666666666657415e-1, -2.77777777770155933842e-3, 6.61375632143793436117e-5, -1.6533902205465251539e-6,
  4.13813679705723846039e-8,
];
const bits = new DataView(new ArrayBuffer(8));

/** x = fraction · 2^exponent with a fraction in [0.5, 1). Only for finite numbers above zero. */
function frexp(x: number): { readonly fraction: number; readonly exponent: number } {
  const scaled = x < 2 ** -1022 ? x * 2 ** 54 : x;
  bits.setFloat64(0, scaled);
  const high = bits.getUint32(0);
  bits.setUint32(0, (high & 0x800fffff) | (1022 << 20));
  const exponent = ((high >>> 20) & 0x7ff) - 1022;
  return { fraction: bits.getFloat64(0), exponent: scaled === x ? exponent : exponent - 54 };
}

function naturalLog(x: number): number {
  const { fraction, exponent } = frexp(x);
  const low = fraction < Math.SQRT2 / 2;
  const f = (low ? 2 * fraction : fraction) - 1;
  const k = low ? exponent - 1 : exponent;
  const s = f / (2 + f);
  const s2 = s * s;
  const s4 = s2 * s2;
  const t1 = s2 * (L1 + s4 * (L3 + s4 * (L5 + s4 * L7)));
  const t2 = s4 * (L2 + s4 * (L4 + s4 * L6));
  const half = 0.5 * f * f;
  return k * LN2_HI - (half - (s * (half + t1 + t2) + k * LN2_LO) - f);
}

export function log2(x: number): number {
  if (!(x > 0) || x === Infinity) return Math.log2(x);
  const { fraction, exponent } = frexp(x);
  return fraction === 0.5 ? exponent - 1 : naturalLog(fraction) * (1 / Math.LN2) + exponent;
}

export function exp2(x: number): number {
  if (!(x >= -1074 && x <= 1023.9999999999999)) return 2 ** x;
  const k = Math.trunc(x > 0 ? x + 0.5 : x - 0.5);
  const t = x - k;
  const hi = t * LN2_HI;
  const lo = -t * LN2_LO;
  const r = hi - lo;
  const r2 = r * r;
  const c = r - r2 * (P1 + r2 * (P2 + r2 * (P3 + r2 * (P4 + r2 * P5))));
  const y = 1 - (lo - (r * c) / (2 - c) - hi);
  // In two steps, so that only the last one rounds and none overflows.
  return k < -1000 ? y * 2 ** (k + 100) * 2 ** -100 : y * 2 ** (k - 1) * 2;
}
