/**
 * The time machine: a rule or a draft over stored history. It says when the rule would have fired, who would have been paged how
 * often under the routes, silences and windows of that time, and which incidents it would have missed.
 */
import { VitrineError } from '../../../base/errors.ts';
import { formatDurationMs } from '../../../base/units.ts';
import type { Labels } from '../../../model/labels.ts';
import type { Querier } from '../../../model/ports.ts';
import { TRIAL_LABEL, type AlertingSpec } from '../rules/spec.ts';
import { played, type Episode } from './episodes.ts';
import { firedIn, incidentsOf, judged, type Incident, type Judged } from './incidents.ts';
import { pagingOf, type Paging, type PagingRules } from './paging.ts';

export interface ReplayQuestion {
  readonly spec: AlertingSpec;
  readonly fromMs: number;
  readonly toMs: number;
  /** Of the rule's group. */
  readonly intervalMs: number;
  /** Which alerts of the past count as an incident. */
  readonly isIncident: (labels: Labels) => boolean;
  readonly known: readonly Incident[];
  readonly signal?: AbortSignal | undefined;
}

export interface ReplayTools {
  readonly querier: Querier;
  readonly paging: Pick<PagingRules, 'config' | 'mutedAt' | 'resolveThroughMutes'>;
}

export interface Replay extends Paging {
  readonly episodes: readonly Episode[];
  readonly left: number;
  readonly stepMs: number;
  readonly steps: number;
  readonly incidents: readonly Judged[];
  readonly warnings: readonly string[];
}

/** A longer range is judged at longer steps. */
const MAX_STEPS = 20_000;
const LONGEST_MS = 31 * 86_400_000;
const TIMEOUT_MS = 60_000;

/** Throws the queries' VitrineErrors, and `bad_request` for a range that is empty or too long. */
export async function replay(question: ReplayQuestion, { querier, paging }: ReplayTools): Promise<Replay> {
  const { spec, fromMs, toMs, intervalMs, isIncident, known, signal } = question;
  if (!(toMs > fromMs)) throw new VitrineError('bad_request', 'The range ends before it begins.');
  if (toMs - fromMs > LONGEST_MS)
    throw new VitrineError('bad_request', `A replay covers ${formatDurationMs(LONGEST_MS)} at most.`);
  const steps = Math.ceil((toMs - fromMs) / intervalMs);
  const stepMs = intervalMs * Math.max(1, Math.ceil(steps / MAX_STEPS));
  // At multiples of the step, as live rules are.
  const range = { fromMs: Math.ceil(fromMs / stepMs) * stepMs, toMs: Math.floor(toMs / stepMs) * stepMs, stepMs };
  const options = { signal, timeoutMs: TIMEOUT_MS };
  const run = await played(spec, range, querier, options);
  const others = await firedIn(range, spec.name, querier, options);
  const isTrial = spec.labels.some(({ name, source }) => name === TRIAL_LABEL && source === 'true');
  const told = isTrial ? { pages: [], muted: [] } : pagingOf(run.episodes, { ...paging, others, toMs: range.toMs });
  const incidents = incidentsOf(
    others.filter(({ labels }) => isIncident(labels)),
    known,
  );
  const coarse =
    stepMs > intervalMs
      ? [
          `judged each ${formatDurationMs(stepMs)} instead of each ${formatDurationMs(intervalMs)}: shorter breaches may be missing`,
        ]
      : [];
  return {
    episodes: run.episodes,
    left: run.left,
    stepMs,
    steps: run.steps,
    ...told,
    incidents: judged(incidents, run.episodes),
    warnings: [...coarse, ...(isTrial ? ['the rule is on trial: nobody would have been paged'] : []), ...run.warnings],
  };
}
