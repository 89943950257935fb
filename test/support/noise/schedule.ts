/**
 * The week of a team with five services: all that happens in it, as conditions with a start and an end. It is drawn from a
 * seed, so a run can be repeated. An incident is a condition as well; it also names the alert that must tell of it.
 */
import { seededRandom, type Random } from '../../../src/base/random.ts';

export const SERVICES = ['gateway', 'accounts', 'payments', 'catalogue', 'worker'] as const;
export type Service = (typeof SERVICES)[number];
/** Services behind the balancer have two instances each. */
export const UPSTREAMS = SERVICES.filter((service) => service !== 'worker');

/** How the team's system differs from a quiet one. A field that is absent means "as usual". */
export interface Condition {
  readonly name: string;
  /** Seconds from the begin of the week. */
  readonly startS: number;
  readonly endS: number;
  readonly service?: Service | undefined;
  /** Index of the instance that takes no traffic. */
  readonly instanceDown?: number | undefined;
  /** The process runs no more: no lines, no metrics. */
  readonly stopped?: boolean | undefined;
  /** Lines a minute that come on top, and how many of them are errors. */
  readonly linesPerMinute?: number | undefined;
  readonly errorShare?: number | undefined;
  /** Under this name instead of the service's own: a job. */
  readonly job?: string | undefined;
  /** Share of requests that are answered with 5xx. */
  readonly failingShare?: number | undefined;
  /** Factor of the time to the first byte. */
  readonly slower?: number | undefined;
  /** Hit ratio of the cache instead of the usual one. */
  readonly hitRatio?: number | undefined;
  /** Share of the processors, of the memory and of the disk that is used on top. */
  readonly cpu?: number | undefined;
  readonly memory?: number | undefined;
  readonly disk?: number | undefined;
  readonly networkErrors?: number | undefined;
  readonly probeDown?: boolean | undefined;
  readonly refusedPerSecond?: number | undefined;
  readonly storeBroken?: boolean | undefined;
  /** Name of the alert that must tell of this within two minutes; only incidents have one. */
  readonly alert?: string | undefined;
}

export const HOUR_S = 3_600;
export const DAY_S = 24 * HOUR_S;
export const WEEK_S = 7 * DAY_S;

const pick = <T>(random: Random, list: readonly T[]): T => list[Math.floor(random() * list.length)];

/** A rolling deployment: one instance after the other ends and starts, and its first requests find cold caches. */
function deployment(random: Random, service: Service, startS: number): Condition[] {
  const conditions: Condition[] = [];
  let atS = startS;
  for (const instanceDown of [0, 1]) {
    const endS = atS + 3 + Math.floor(random() * 8);
    const behind = service !== 'worker';
    conditions.push(
      { name: 'deployment', service, startS: atS, endS, instanceDown: behind ? instanceDown : undefined },
      { name: 'start of a process', service, startS: endS, endS: endS + 2, linesPerMinute: 450 },
      { name: 'cold caches', service, startS: endS, endS: endS + 20, slower: 1.6, hitRatio: 0.55 },
      { name: 'connections that broke', service, startS: atS, endS: atS + 2, linesPerMinute: 30, errorShare: 1 },
    );
    atS = endS + 25;
  }
  return conditions;
}

const job = (name: string, startS: number, lengthS: number, linesPerMinute: number): Condition => ({
  name: 'job',
  job: name,
  startS,
  endS: startS + lengthS,
  linesPerMinute,
  cpu: 0.1,
});

/** Copying loads the disk and two of the eight processors; the copy lies on the disk until it has been sent away. */
function backup(random: Random, day: number): Condition[] {
  const startS = day * DAY_S + 2 * HOUR_S + Math.floor(random() * 300);
  const endS = startS + 1_500 + Math.floor(random() * 600);
  return [
    { name: 'backup', job: 'backup', startS, endS, linesPerMinute: 6, cpu: 0.3, slower: 1.4 },
    { name: 'copy on the disk', startS: startS + 600, endS, disk: 0.04 },
  ];
}

/** Deployments in working hours, a job each hour, a backup each night, two restarts and one burst of log lines. */
export function quietWeek(seed: number): Condition[] {
  const random = seededRandom(seed);
  const week: Condition[] = [];
  for (let day = 0; day < 7; day += 1) {
    week.push(...backup(random, day));
    for (let hour = 0; hour < 24; hour += 1)
      week.push(job('hourly-report', day * DAY_S + hour * HOUR_S, 20 + Math.floor(random() * 60), 40));
    const deployments = day < 5 ? 4 : 0;
    for (let i = 0; i < deployments; i += 1) {
      const startS = day * DAY_S + Math.floor((9 + random() * 8) * HOUR_S);
      week.push(...deployment(random, pick(random, SERVICES), startS));
    }
  }
  week.push({
    name: 'log burst',
    service: 'catalogue',
    startS: 2 * DAY_S + 14 * HOUR_S + 1_800,
    endS: 2 * DAY_S + 14 * HOUR_S + 1_825,
    linesPerMinute: 7_000,
  });
  for (const [day, service] of [
    [1, 'payments'],
    [3, 'accounts'],
  ] as const) {
    const startS = day * DAY_S + 14 * HOUR_S + Math.floor(random() * 900);
    // Killed for its memory and started again by its supervisor; the other instance carries on.
    week.push(
      { name: 'restart', service, startS, endS: startS + 9, instanceDown: 1 },
      { name: 'connections that broke', service, startS, endS: startS + 2, linesPerMinute: 60, errorShare: 1 },
      { name: 'start of a process', service, startS: startS + 9, endS: startS + 11, linesPerMinute: 450 },
    );
  }
  return week.toSorted((a, b) => a.startS - b.startS);
}

const INCIDENTS: readonly Omit<Condition, 'startS' | 'endS'>[] = [
  { name: 'a release that fails', service: 'payments', linesPerMinute: 40, errorShare: 0.6, alert: 'HighErrorRate' },
  { name: 'a worker that hangs', service: 'worker', stopped: true, alert: 'ServiceSilent' },
  { name: 'a database that refuses connections', failingShare: 0.4, alert: 'ErrorResponses' },
  { name: 'a query without an index', slower: 12, alert: 'SlowResponses' },
  { name: 'a header that defeats the cache', hitRatio: 0.05, alert: 'LowCacheHitRatio' },
  { name: 'an instance that does not come back', service: 'accounts', instanceDown: 0, alert: 'UpstreamDown' },
  { name: 'a leak of memory', memory: 0.4, alert: 'HostMemoryLow' },
  { name: 'a disk filled by a dump', disk: 0.45, alert: 'FileSystemFillsUp' },
  { name: 'a site that does not answer', probeDown: true, alert: 'TargetDown' },
  { name: 'a store that cannot write', storeBroken: true, alert: 'StoreNotWritable' },
];
const INCIDENT_S = 130;

/** Ten incidents of some two minutes, `apartS` seconds apart, the first `apartS` after `fromS`. */
export function plantedIncidents(fromS: number, apartS: number): Condition[] {
  return INCIDENTS.map((incident, i) => {
    const startS = fromS + (i + 1) * apartS;
    return { ...incident, startS, endS: startS + INCIDENT_S };
  });
}
