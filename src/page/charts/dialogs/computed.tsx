/** How the numbers of a panel were computed: query, window, points, what was read, and from where. */
import type { JSX } from 'preact';
import type { ChartAnswer, ChartQueryAnswer } from '../../../monitor/api/charts/contract.ts';
import { dateTime } from '../../state/format.ts';
import { CopyButton } from '../../ui/copy.tsx';
import { curlOf } from '../data/export-text.ts';
import { readText, seconds, windowText } from './computed-text.ts';
import { Dialog } from './dialog.tsx';
import { QueryError, QueryFoot, WatchedBy } from './query-parts.tsx';

function pointsText({ count, stepMs, peaksKept, series }: ChartQueryAnswer): string {
  const points = `${count} points, one every ${seconds(stepMs)}`;
  if (!peaksKept) return `${points}. The query reads so many series that shorter peaks may be missing.`;
  const reduced = series.some(({ at }) => at !== undefined);
  if (!reduced) return `${points}. Each is drawn.`;
  return `${points}. Drawn are the first, last, smallest and largest of each pixel, so every peak is seen.`;
}

function OneQuery({ result, answer }: { result: ChartQueryAnswer; answer: ChartAnswer }): JSX.Element {
  const { expr, startMs, stepMs, count, series, seriesTotal, warnings, infos, error, limits } = result;
  return (
    <section class="computed">
      <div class="code">
        <pre class="mono">{expr}</pre>
        <CopyButton text={expr} what="PromQL" />
        <CopyButton text={curlOf({ ...answer, queries: [result] }, location.origin)} what="curl command" />
      </div>
      {error !== undefined && <QueryError error={error} />}
      <dl>
        <dt>Window</dt>
        <dd>{windowText(expr)}</dd>
        <dt>Range</dt>
        <dd>
          {dateTime(startMs, 'seconds')} to {dateTime(startMs + (count - 1) * stepMs, 'seconds')}
        </dd>
        <dt>Points</dt>
        <dd>{pointsText(result)}</dd>
        <dt>Source</dt>
        <dd>{readText(result)}</dd>
        <dt>Series</dt>
        <dd>{seriesTotal > series.length ? `the largest ${series.length} of ${seriesTotal}` : seriesTotal}</dd>
        <WatchedBy limits={limits} />
      </dl>
      <QueryFoot warnings={warnings} infos={infos} expr={expr} />
    </section>
  );
}

export function Computed(props: { title: string; answer: ChartAnswer; onClose: () => void }): JSX.Element {
  const { title, answer, onClose } = props;
  return (
    <Dialog title={`How “${title}” is computed`} onClose={onClose}>
      {answer.queries.map((result, at) => (
        <OneQuery key={at} result={result} answer={answer} />
      ))}
      <p class="muted">
        The same text gives the same values in Prometheus at /api/v1/query_range with this start, end and step.
      </p>
    </Dialog>
  );
}
