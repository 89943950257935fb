/** One trace: its phases, the waterfall, a span, and its log lines. */
import type { JSX } from 'preact';
import { useEffect, useMemo, useState } from 'preact/hooks';
import type { LogView, TraceAnswer } from '../../monitor/api/contract.ts';
import { useResource } from '../state/api.ts';
import { attributeText, clockTime, joined, duration, millis } from '../state/format.ts';
import { address, go, place } from '../state/router.ts';
import { LedgerBar, PHASES, PhaseLegend, segmentsOf } from '../overview/phase-table.tsx';
import { Crumbs } from '../ui/crumbs.tsx';
import { StatusIcon } from '../ui/icons.tsx';
import { Name, Value } from '../ui/name.tsx';
import { Empty, Failed, Loading } from '../ui/states.tsx';
import { useWidth } from '../charts/width.ts';
import { SpanDetail } from './span-detail.tsx';
import { gapsOf, rowsOf, treeOf } from './span-tree.ts';
import { phasesOf } from './trace-phases.ts';
import { Waterfall } from './waterfall.tsx';

function TraceLedger({ trace }: { trace: TraceAnswer }): JSX.Element | null {
  const [box, width] = useWidth();
  const phases = phasesOf(trace.spans);
  if (phases === undefined) return null;
  let total = 0;
  for (const phase of PHASES) total += phases[phase];
  const values = Object.fromEntries(PHASES.map((phase) => [phase, joined(duration(phases[phase]))]));
  return (
    <section class="card trace-ledger" aria-label="Phases of the request">
      <div ref={box}>
        <svg
          width={width}
          height="30"
          role="img"
          aria-label={PHASES.map((phase) => `${phase} ${values[phase]}`).join(', ')}
        >
          {width > 0 && <LedgerBar segments={segmentsOf(phases, total, width)} height={22} />}
        </svg>
      </div>
      <PhaseLegend values={values} />
    </section>
  );
}

function LogLine({ log, own }: { log: LogView; own: boolean }): JSX.Element {
  const tone = log.severityNumber >= 17 ? 'crit' : log.severityNumber >= 13 ? 'warn' : undefined;
  return (
    <div class={own ? 'log own' : 'log'}>
      <time class="mono" dateTime={new Date(log.timeMs).toISOString()}>
        {clockTime(log.timeMs, 'millis')}
      </time>
      <span class={tone ? `word w-${tone}` : 'word muted'}>
        {tone && <StatusIcon status={tone} label="" />}
        {log.severity}
      </span>
      <span class="cut">
        <Name of={log.service} most={60} />
      </span>
      <span class="mono text">
        <Value of={log.message} />
        {Object.entries(log.attributes).map(([name, value]) => (
          <span key={name} class="pair">
            {' '}
            <span class="muted">
              <Value of={name} />=
            </span>
            <Value of={attributeText(value)} />
          </span>
        ))}
      </span>
      {own && <span class="muted this">this span</span>}
    </div>
  );
}

function Logs({ logs, selected }: { logs: readonly LogView[]; selected: string | undefined }): JSX.Element {
  const own = logs.filter(({ spanId }) => spanId === selected).length;
  return (
    <section class="card trace-logs" aria-label="Logs">
      <div class="hd">
        <h2>Logs</h2>
        <span class="sub">
          {logs.length} {logs.length === 1 ? 'line' : 'lines'} in this trace
          {selected === undefined ? '' : `, ${own} from this span`}
        </span>
      </div>
      {logs.length === 0 && <Empty text="No log line carries the id of this trace." />}
      {logs.map((log, at) => (
        <LogLine key={at} log={log} own={log.spanId === selected} />
      ))}
    </section>
  );
}

function GapMarks({ trace }: { trace: TraceAnswer }): JSX.Element | null {
  const { noRoot, orphans, late } = gapsOf(trace.spans);
  const isPartial = noRoot || orphans > 0;
  if (!isPartial && late.size === 0) return null;
  const missing = noRoot ? 'its root has not come' : `the parents of ${orphans} spans have not come`;
  return (
    <>
      {isPartial && (
        <span class="word w-warn" title="A process that sends no spans, or sends them later, leaves such a gap.">
          <StatusIcon status="warn" label="" />
          partial: {missing}
        </span>
      )}
      {late.size > 0 && (
        <span class="word muted">
          {late.size} {late.size === 1 ? 'span goes' : 'spans go'} on after the answer
        </span>
      )}
    </>
  );
}

function Head({ trace }: { trace: TraceAnswer }): JSX.Element {
  // Without a root span, the first span whose parent is missing: clocks differ, so it need not be the earliest.
  const ids = new Set(trace.spans.map(({ spanId }) => spanId));
  const root =
    trace.spans.find(({ parentSpanId }) => parentSpanId === '') ??
    trace.spans.find(({ parentSpanId }) => !ids.has(parentSpanId)) ??
    trace.spans[0];
  const errors = trace.spans.filter(({ status }) => status === 'error').length;
  const services = new Set(trace.spans.map(({ service }) => service)).size;
  return (
    <header class="trace-head">
      <nav aria-label="Breadcrumb">
        <a class="muted" href="/traces">
          Traces ›
        </a>
      </nav>
      <h1>{root === undefined ? 'Trace' : <Name of={root.name} mono most={200} />}</h1>
      {errors > 0 && (
        <span class="word w-crit">
          <StatusIcon status="crit" label="" />
          {errors} {errors === 1 ? 'error' : 'errors'}
        </span>
      )}
      <GapMarks trace={trace} />
      <b>{millis(trace.durationMs)}</b>
      <span>
        <b>{trace.spans.length}</b> spans
      </span>
      <span>
        <b>{services}</b> services
      </span>
      <span class="muted">{clockTime(trace.startMs, 'millis')}</span>
      <span class="mono muted id">{trace.traceId}</span>
    </header>
  );
}

/** The span that is shown at first: the failed one, else the longest below the root on the critical path. */
function firstSpan(trace: TraceAnswer, narrow: boolean): string | undefined {
  if (narrow) return undefined;
  const failed = trace.spans.find(({ status }) => status === 'error');
  return (failed ?? trace.spans[0])?.spanId;
}

const isNarrow = (): boolean => matchMedia('(max-width: 759px)').matches;

function Trace({ trace }: { trace: TraceAnswer }): JSX.Element {
  const nodes = useMemo(() => treeOf(trace.spans), [trace]);
  const asked = place.value.query.get('span') ?? undefined;
  const [fallback, setFallback] = useState(() => firstSpan(trace, isNarrow()));
  const selected = asked ?? fallback;
  const rows = useMemo(() => rowsOf(nodes, new Set()), [nodes]);
  const node = rows.find(({ span }) => span.spanId === selected);
  const path = `/traces/${trace.traceId}`;
  const select = (spanId: string): void => go(address(path, { span: spanId }), true);
  const close = (): void => {
    setFallback(undefined);
    go(path, true);
  };
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.target instanceof HTMLInputElement) return;
      const at = rows.findIndex(({ span }) => span.spanId === selected);
      if (event.key === 'Escape') close();
      if (event.key === 'f' || event.key === 'b') {
        const next = rows[Math.max(0, Math.min(rows.length - 1, at + (event.key === 'f' ? 1 : -1)))];
        if (next !== undefined) select(next.span.spanId);
      }
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  });
  return (
    <div class={node === undefined ? 'trace' : 'trace with-span'}>
      <Head trace={trace} />
      <TraceLedger trace={trace} />
      <div class="trace-main">
        <Waterfall nodes={nodes} totalMs={trace.durationMs} selected={selected} onSelect={select} />
        <Logs logs={trace.logs} selected={selected} />
      </div>
      {node && <SpanDetail node={node} totalMs={trace.durationMs} onClose={close} />}
    </div>
  );
}

export function TracePage({ id: traceId }: { id: string }): JSX.Element {
  const found = useResource<TraceAnswer>(`/api/traces/${traceId}`);
  if (found.data !== undefined) return <Trace key={traceId} trace={found.data} />;
  if (found.error !== undefined) {
    return (
      <>
        <div class="page-head">
          <Crumbs list="Traces" path="/traces" name={traceId} />
        </div>
        <section class="card c12">
          <Failed error={found.error} retry={found.reload} />
        </section>
      </>
    );
  }
  return <Loading height={400} />;
}
