/** Targets made by API beside those of the file, and what follows from their dependencies. */
import { compileTarget, type CompileTools, type Target } from './compile.ts';
import { targetConfig, type MonitoringConfig, type TargetConfig } from './schema.ts';

/** Those that can be read. A target of the file (`taken`) has precedence over one of the same id that was made before. */
export function madeTargets(
  written: ReadonlyMap<string, unknown>,
  taken: ReadonlySet<string>,
  tools: CompileTools,
  onError: (error: unknown) => void,
): Target[] {
  const made: Target[] = [];
  for (const [id, one] of written) {
    const read = targetConfig.safeParse(one);
    if (!read.success || taken.has(id)) continue;
    try {
      made.push(compileTarget(read.data, 'api', tools));
    } catch (error) {
      onError(error);
    }
  }
  return made;
}

/** The name of the parent that is down and has no parent that is down; undefined when none is. */
export function causeOf(
  target: Target,
  all: ReadonlyMap<string, Target>,
  stateOf: (id: string) => string,
  seen: Set<string> = new Set(),
): string | undefined {
  for (const id of target.dependsOn) {
    const parent = all.get(id);
    if (parent === undefined || seen.has(id)) continue;
    seen.add(id);
    const above = causeOf(parent, all, stateOf, seen);
    if (above !== undefined) return above;
    if (stateOf(id) === 'down') return parent.name;
  }
  return undefined;
}

/** Problems among targets: the same id twice, a parent that does not exist, parents in a circle. */
export function targetProblems(
  targets: readonly Pick<Target, 'id' | 'name' | 'dependsOn'>[],
): { readonly at: number; readonly key: string; readonly message: string }[] {
  const ids = new Map(targets.map((target) => [target.id, target]));
  const reaches = (from: string, wanted: string, seen: Set<string>): boolean =>
    !seen.has(from) &&
    (ids.get(seen.add(from) && from)?.dependsOn ?? []).some((next) => next === wanted || reaches(next, wanted, seen));
  return targets.flatMap(({ id, name, dependsOn }, at) => {
    const first = targets.findIndex((other) => other.id === id);
    const missing = dependsOn.find((parent) => !ids.has(parent));
    return [
      ...(first < at ? [{ at, key: 'name', message: `"${name}" has the id "${id}", as target ${first + 1} has` }] : []),
      ...(missing === undefined ? [] : [{ at, key: 'depends_on', message: `there is no target "${missing}"` }]),
      ...(reaches(id, id, new Set())
        ? [{ at, key: 'depends_on', message: `"${name}" depends on itself, by way of others` }]
        : []),
    ];
  });
}

/** The targets of a single-file performance monitor as targets of Vitrine. */
export const monitoringTargets = ({ targets }: MonitoringConfig): TargetConfig[] => [...targets];
