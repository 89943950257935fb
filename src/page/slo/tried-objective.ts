/** An objective over requests that somebody tries: its fields in the address, and as it is written in the configuration. Pure. */

export const TRIAL_KEYS = ['total', 'good', 'objective', 'window'] as const;
export type Tried = Readonly<Record<(typeof TRIAL_KEYS)[number], string>>;

export const triedFrom = (param: (name: string) => string): Tried => ({
  total: param('total'),
  good: param('good'),
  objective: param('objective') || '99.9%',
  window: param('window') || '30d',
});

/** Text of JSON is text of YAML; of the loader's `${` and `$$` each dollar is written twice (config/env-overlay.ts). */
const quoted = (text: string): string => JSON.stringify(text).replaceAll(/\$(?=[${])/g, '$$$$');

export function objectiveYaml({ total, good, objective, window }: Tried): string {
  const requests = total === '' ? `good: ${quoted(good)}` : `total: ${quoted(total)}, good: ${quoted(good)}`;
  return `slo:\n  - name: NAME\n    objective: ${quoted(objective)}\n    window: ${quoted(window)}\n    requests: { ${requests} }\n`;
}
