/** One span: duration, self time, error, attributes and events. */
import type { JSX } from 'preact';
import { Fragment } from 'preact';
import type { SpanView } from '../../monitor/api/contract.ts';
import { attributeText, digits, millis } from '../state/format.ts';
import { Icon, StatusIcon } from '../ui/icons.tsx';
import { Name, Value } from '../ui/name.tsx';
import { visibleName } from '../state/visible-name.ts';
import type { SpanNode } from './span-tree.ts';

function Attributes({ title, entries }: { title: string; entries: readonly [string, unknown][] }): JSX.Element | null {
  if (entries.length === 0) return null;
  return (
    <>
      <h3>{title}</h3>
      <dl class="attrs">
        {entries.map(([name, value]) => (
          <div key={name}>
            <dt>
              {visibleName(name, 200)
                .text.split(/(?<=[._])/)
                .map((part, at) => (
                  <Fragment key={at}>
                    {part}
                    <wbr />
                  </Fragment>
                ))}
            </dt>
            <dd class={`mono${name.startsWith('error') ? ' crit' : ''}`}>
              <Value of={attributeText(value)} />
            </dd>
          </div>
        ))}
      </dl>
    </>
  );
}

function Events({ events }: { events: SpanView['events'] }): JSX.Element | null {
  if (events.length === 0) return null;
  return (
    <>
      <h3>Events</h3>
      <ol class="events">
        {events.map(({ name, offsetMs }, at) => (
          <li key={at}>
            <span class="num muted">{millis(offsetMs)}</span> <Name of={name} most={200} />
          </li>
        ))}
      </ol>
    </>
  );
}

export function SpanDetail({
  node,
  totalMs,
  onClose,
}: {
  node: SpanNode;
  totalMs: number;
  onClose: () => void;
}): JSX.Element {
  const { span, selfMs } = node;
  const errorType = span.attributes['error.type'];
  return (
    <aside class="card span-detail" aria-label="Span">
      <header>
        {span.status === 'error' && <StatusIcon status="crit" label="failed" />}
        <div>
          <h2>
            <Name of={span.name} most={200} />
          </h2>
          <p class="muted">
            <Name of={span.service} most={80} />, {span.kind} span
          </p>
        </div>
        <button type="button" class="btn icon ghost" aria-label="Close the span" onClick={onClose}>
          <Icon name="close" />
        </button>
      </header>
      <dl class="three">
        <div>
          <dt>Duration</dt>
          <dd>{millis(span.durationMs)}</dd>
        </div>
        <div>
          <dt>Self</dt>
          <dd>{millis(selfMs)}</dd>
        </div>
        <div>
          <dt>Of this trace</dt>
          <dd>{totalMs > 0 ? `${digits((span.durationMs / totalMs) * 100)}\u2009%` : '–'}</dd>
        </div>
      </dl>
      {span.status === 'error' && (
        <div class="problem">
          <StatusIcon status="crit" label="" />
          <div>
            <b>{typeof errorType === 'string' ? <Name of={errorType} most={200} /> : 'Failed'}</b>
            <p>
              <Value of={span.statusMessage} />
            </p>
          </div>
        </div>
      )}
      <Attributes title="Attributes" entries={Object.entries(span.attributes)} />
      <Events events={span.events} />
      <Attributes title="Resource" entries={Object.entries(span.resource)} />
      <Attributes title="Ids" entries={[['span_id', span.spanId]]} />
    </aside>
  );
}
