/** Matchers as people write them, and those of an alert. Pure. */
import type { SilenceView } from '../../../monitor/api/alerts/contract.ts';

export function matcherText({ name, value, isEqual, isRegex }: SilenceView['matchers'][number]): string {
  const operator = isEqual ? (isRegex ? '=~' : '=') : isRegex ? '!~' : '!=';
  return `${name}${operator}${JSON.stringify(value)}`;
}

/** A silence of exactly this alert. */
export const matchersOf = (labels: Readonly<Record<string, string>>): string[] =>
  Object.entries(labels).map(([name, value]) => `${JSON.stringify(name)}=${JSON.stringify(value)}`);
