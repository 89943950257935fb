/**
 * How many cases of Prometheus' own PromQL scripts pass over HTTP, by group: the fewest that a run may have. A change that
 * makes more pass raises the number here and in docs/promql.md.
 */
export interface CaseOutcome {
  readonly file: string;
  readonly line: number;
  readonly expr: string;
  readonly tags: readonly string[];
  readonly outcome: 'passed' | 'failed' | 'skipped';
  readonly msg?: string;
}

interface Group {
  readonly name: string;
  readonly floor: number;
  readonly holds: (tags: readonly string[]) => boolean;
}

const has =
  (tag: string) =>
  (tags: readonly string[]): boolean =>
    tags.includes(tag);

export const GROUPS: readonly Group[] = [
  { name: 'plain', floor: 447, holds: has('plain') },
  {
    name: 'without native histograms and start timestamps',
    floor: 644,
    holds: (tags) => !tags.includes('native') && !tags.includes('start_timestamps'),
  },
  { name: 'native histograms', floor: 467, holds: has('native') },
  { name: 'start timestamps', floor: 14, holds: has('start_timestamps') },
  { name: 'all', floor: 1_120, holds: () => true },
];

/** One line a group: name, passed, of how many. */
export function summary(outcomes: readonly CaseOutcome[]): string {
  return GROUPS.map(({ name, holds }) => {
    const inside = outcomes.filter(({ tags }) => holds(tags));
    return `${name}: ${inside.filter(({ outcome }) => outcome === 'passed').length} of ${inside.length}`;
  }).join('\n');
}

/** What fell below its floor, with the cases that did not pass; empty when nothing did. */
export function shortfalls(outcomes: readonly CaseOutcome[]): readonly string[] {
  return GROUPS.flatMap(({ name, floor, holds }) => {
    const inside = outcomes.filter(({ tags }) => holds(tags));
    const passed = inside.filter(({ outcome }) => outcome === 'passed').length;
    if (passed >= floor) return [];
    const others = inside.filter(({ outcome }) => outcome !== 'passed').slice(0, 20);
    const lines = others.map(({ file, line, expr, msg = '' }) => `  ${file}:${line} ${expr}: ${msg.slice(0, 200)}`);
    return [`${name}: ${passed} passed, ${floor} are asked for`, ...lines];
  });
}
