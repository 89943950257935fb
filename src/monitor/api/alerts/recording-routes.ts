/** `GET /api/recordings`: the times around alerts whose records go last, and how many there are. */
import { iso } from '../../../base/units.ts';
import { type Recording, RECORD_SIGNALS, type RecordSignal, type RecordSource } from '../../../model/record-source.ts';
import type { Recordings } from '../../store/state/recordings.ts';
import { numberFrom, textFrom, type Call, type Route } from '../routes.ts';
import type { RecordingsAnswer, RecordingView } from './contract.ts';

const MAX_LISTED = 1_000;
/** Recordings of one alert whose records are counted: each is a scan of its time. */
const MAX_COUNTED = 5;

/** `recordings` is undefined while the recorder is switched off. */
export function recordingRoutes(
  recorder: { readonly recordings: Recordings | undefined },
  records: RecordSource,
  keepMs: number,
): Route[] {
  const handler = async ({ query }: Call): Promise<RecordingsAnswer> => {
    const { recordings } = recorder;
    if (recordings === undefined) return { enabled: false, recordings: [], held: 0, released: 0 };
    const alert = textFrom(query, 'alert');
    const limit = numberFrom(query, 'limit', { min: 1, max: MAX_LISTED, fallback: 100 }) ?? 100;
    const view = (one: Recording): RecordingView => recordingView(one, keepMs);
    if (alert === undefined)
      return { enabled: true, recordings: recordings.list(limit).map(view), ...recordings.counts() };
    const found: RecordingView[] = [];
    for (const one of recordings.of(alert, Math.min(limit, MAX_COUNTED)))
      found.push({ ...view(one), records: await countsOf(records, one) });
    return { enabled: true, recordings: found, ...recordings.counts() };
  };
  return [{ method: 'GET', path: '/api/recordings', handler }];
}

function recordingView(one: Recording, keepMs: number): RecordingView {
  const { alert, name, startsAtMs, fromMs, toMs, releasedAtMs } = one;
  return {
    alert,
    name,
    starts_at: iso(startsAtMs),
    from: iso(fromMs),
    to: iso(toMs),
    kept_until: releasedAtMs === undefined ? iso(fromMs + keepMs) : null,
    released_at: releasedAtMs === undefined ? null : iso(releasedAtMs),
  };
}

async function countsOf(
  records: RecordSource,
  { fromMs, toMs }: Recording,
): Promise<Readonly<Record<RecordSignal, number>>> {
  const counts = { logs: 0, traces: 0, requests: 0 };
  for (const signal of RECORD_SIGNALS)
    for await (const { begin, end } of records.scan({ signal, fromMs, toMs: toMs + 1 })) counts[signal] += end - begin;
  return counts;
}
