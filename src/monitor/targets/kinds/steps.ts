/**
 * Several requests that share values, such as sign in → pay → read. The first step that fails ends the check. Values that a
 * step saves may be credentials: they never appear in evidence.
 */
import type { CheckContext, CheckReport, Evidence, HttpSpec, ProbeSeries, StepsSpec, StepSpec } from '../check.ts';
import type { HttpAnswer } from '../net/http-exchange.ts';
import { valuesAt } from '../net/json-path.ts';
import { groupsOf } from '../net/patterns.ts';
import { Progress } from '../net/progress.ts';
import { httpEvidence, httpSeries, request, type HttpOutcome } from './http.ts';

type Values = Readonly<Record<string, string>>;

const MAX_SAVED = 16 * 1024;

const filled = (text: string, values: Values): string =>
  text.replaceAll(/\$\{([A-Za-z_]\w*)\}/g, (whole, name: string) =>
    Object.hasOwn(values, name) ? values[name] : whole,
  );

function withValues(step: StepSpec, values: Values): Omit<HttpSpec, 'kind'> {
  const headers = Object.entries(step.headers).map(([name, value]) => [name, filled(value, values)]);
  return {
    ...step,
    url: filled(step.url, values),
    headers: Object.fromEntries(headers) as Record<string, string>,
    body: step.body === undefined ? undefined : filled(step.body, values),
  };
}

/** The value that `from` names in the answer; undefined when there is none. */
function savedValue(answer: HttpAnswer, from: string): string | undefined {
  if (from.startsWith('header:')) {
    const value = answer.headers[from.slice(7).trim().toLowerCase()];
    return value === undefined ? undefined : [value].flat()[0];
  }
  const text = answer.body.toString('utf8');
  if (from.startsWith('regex:')) {
    const groups = groupsOf(from.slice(6), text);
    return groups === undefined ? undefined : (groups[1] ?? groups[0]);
  }
  try {
    const [value] = valuesAt(JSON.parse(text), from);
    return value === undefined ? undefined : typeof value === 'string' ? value : JSON.stringify(value);
  } catch {
    return undefined;
  }
}

interface Ran {
  readonly step: StepSpec;
  readonly outcome: HttpOutcome;
  readonly reason: string;
  readonly seconds: number;
  readonly evidence: Evidence;
}

export async function checkSteps(spec: StepsSpec, context: CheckContext): Promise<CheckReport> {
  const progress = new Progress(context.clock);
  const values: Record<string, string> = Object.create(null) as Record<string, string>;
  const ran: Ran[] = [];
  for (const step of spec.steps) {
    const before = progress.seconds;
    const asked = withValues(step, values);
    const outcome = await request(asked, context, progress);
    let { reason } = outcome;
    if (reason === '' && outcome.answer !== undefined) {
      for (const [name, from] of Object.entries(step.save)) {
        const value = savedValue(outcome.answer, from);
        if (value === undefined) reason ||= `The answer has no value for "${name}" (${from}).`;
        else values[name] = value.slice(0, MAX_SAVED);
      }
    }
    // The request is shown as it is written, so that no saved value appears; in the answer they are hidden.
    const evidence = httpEvidence(step, outcome, progress, Object.values(values));
    ran.push({ step, outcome, reason, seconds: progress.seconds - before, evidence });
    if (reason !== '') break;
  }
  const last = ran[ran.length - 1];
  return {
    success: last.reason === '',
    reason: last.reason === '' ? '' : `Step "${last.step.name}": ${last.reason}`,
    phases: progress.phases,
    series: [...httpSeries(last.outcome, progress), ...stepSeries(ran)],
    evidence: { ...last.evidence, step: last.step.name },
  };
}

const stepSeries = (ran: readonly Ran[]): ProbeSeries[] =>
  ran.flatMap(({ step, reason, seconds }) => [
    { name: 'probe_step_success', labels: { step: step.name }, value: reason === '' ? 1 : 0 },
    { name: 'probe_step_duration_seconds', labels: { step: step.name }, value: seconds },
  ]);
