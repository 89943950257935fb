/** Numbers of the series notation, and its error. */

const NUMBER = /^[+-]?(?:inf|nan|0x[0-9a-f]+|(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)$/i;

export class NotationError extends Error {
  override readonly name = 'NotationError';
}

/** Throws NotationError. */
export function numberOf(text: string): number {
  if (!NUMBER.test(text)) throw new NotationError(`cannot read the number ${JSON.stringify(text)}`);
  const lower = text.toLowerCase();
  if (lower.endsWith('inf')) return lower.startsWith('-') ? -Infinity : Infinity;
  if (lower.endsWith('nan')) return NaN;
  return lower.startsWith('-') ? -Number(lower.slice(1)) : Number(lower.replace('+', ''));
}
