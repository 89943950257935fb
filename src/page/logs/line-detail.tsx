/** One line opened: its attributes, each of which can narrow the filter, and the lines of its service around it. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { LogView } from '../../monitor/api/contract.ts';
import type { LogContextAnswer } from '../../monitor/api/records/contract.ts';
import { useResource } from '../state/api.ts';
import { termOf, withTerm } from '../state/filter-text.ts';
import { attributeText, clockTime } from '../state/format.ts';
import { address, param, setParams } from '../state/router.ts';
import { CopyButton } from '../ui/copy.tsx';
import { Icon } from '../ui/icons.tsx';
import { Loaded } from '../ui/loaded.tsx';
import { Name } from '../ui/name.tsx';
import { Empty } from '../ui/states.tsx';
import { columnsOf, toggledColumn } from './columns.ts';
import { statusOf, type ShownLine } from './log-parts.ts';

/** Lines before and after at first, and after a click. */
const AROUND = [5, 20, 100];

const narrow = (term: string): void => setParams({ q: withTerm(param('q'), term), line: undefined });

function Attribute({ name, value }: { name: string; value: unknown }): JSX.Element {
  const text = attributeText(value);
  const isSimple = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
  return (
    <div>
      <dt>
        <Name of={name} most={60} />
      </dt>
      <dd>
        <Name of={text} most={400} mono />
        {isSimple && text !== '' && (
          <span class="acts">
            <button
              type="button"
              class="btn sm ghost"
              aria-pressed={columnsOf(param('columns')).includes(name)}
              title="Show this field of every line as a column"
              onClick={() => setParams({ columns: toggledColumn(param('columns'), name) }, true)}
            >
              Column
            </button>
            <button type="button" class="btn sm ghost" onClick={() => narrow(termOf(name, text))}>
              Only this
            </button>
            <button type="button" class="btn sm ghost" onClick={() => narrow(`-${termOf(name, text)}`)}>
              Leave out
            </button>
          </span>
        )}
      </dd>
    </div>
  );
}

function Around({ line, id }: { line: LogView; id: string }): JSX.Element {
  const [turn, setTurn] = useState(0);
  const count = String(AROUND[turn]);
  const context = useResource<LogContextAnswer>(address('/api/logs', { around: id, before: count, after: count }));
  return (
    <section class="around" aria-label="Lines around it">
      <h3>
        <span>
          Around it, <Name of={line.service} most={40} />
        </span>
        {turn < AROUND.length - 1 && (
          <button type="button" class="btn sm ghost" onClick={() => setTurn(turn + 1)}>
            {AROUND[turn + 1]} before and after
          </button>
        )}
      </h3>
      <Loaded
        of={context}
        height={160}
        isEmpty={({ logs }) => logs.length === 0}
        empty={<Empty text="No other line of this service is near it." />}
      >
        {({ logs }) => (
          <ol>
            {logs.toReversed().map((one, at) => (
              <li key={one.id ?? at} class={one.id === id ? 'own' : ''}>
                <time dateTime={new Date(one.timeMs).toISOString()}>{clockTime(one.timeMs, 'millis')}</time>
                <span class={`word w-${statusOf(one.severityNumber) ?? 'unknown'}`}>{one.severity}</span>
                <span class="mono text">
                  <Name of={one.message} most={300} />
                </span>
              </li>
            ))}
          </ol>
        )}
      </Loaded>
    </section>
  );
}

export function LineDetail({ line }: { line: ShownLine }): JSX.Element {
  const { home, ...own } = line;
  const { id } = line;
  return (
    <div class="line-detail">
      <div>
        <p class="whole mono">
          <Name of={line.message} most={8_000} />
        </p>
        <dl class="pairs">
          {Object.entries(line.attributes).map(([name, value]) => (
            <Attribute key={name} name={name} value={value} />
          ))}
          {line.traceId !== '' && <Attribute name="trace" value={line.traceId} />}
        </dl>
        {Object.keys(home).length > 0 && (
          <>
            <h3>Its sender</h3>
            <dl class="pairs">
              {Object.entries(home).map(([name, value]) => (
                <Attribute key={name} name={name} value={value} />
              ))}
            </dl>
          </>
        )}
        <p class="acts">
          {line.traceId !== '' && (
            <a class="btn sm" href={`/traces/${line.traceId}`}>
              <Icon name="traces" small />
              Open trace
            </a>
          )}
          <CopyButton text={JSON.stringify({ ...own, resource: home }, null, 2)} what="Line" />
        </p>
      </div>
      {id !== undefined && <Around line={line} id={id} />}
    </div>
  );
}
