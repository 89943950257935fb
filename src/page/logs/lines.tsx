/**
 * The lines, newest first, renewed while the range moves. A list that somebody reads does not jump: as soon as a line is
 * open, or the page is scrolled down, the list is held and newer lines only counted, until they are asked for or the reader
 * is back at the top.
 */
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { LogsAnswer } from '../../monitor/api/contract.ts';
import type { Resource } from '../state/api.ts';
import { clockTime, digits } from '../state/format.ts';
import { param, setParams } from '../state/router.ts';
import { seriesToken } from '../state/series-colour.ts';
import { Icon, StatusIcon } from '../ui/icons.tsx';
import { Loaded } from '../ui/loaded.tsx';
import { Name } from '../ui/name.tsx';
import { columnsOf, columnText, toggledColumn } from './columns.ts';
import { LineDetail } from './line-detail.tsx';
import { countNewer, shownLines, statusOf, type ShownLine } from './log-parts.ts';
import { NoLines } from './no-lines.tsx';
import { useOlderLines, type OlderLines } from './older-lines.ts';

const TOP_PX = 40;

const scroller = (): HTMLElement | null => document.querySelector<HTMLElement>('main');

/** True while the page is scrolled down. */
function useScrolled(): boolean {
  const [scrolled, setScrolled] = useState(false);
  useEffect(() => {
    const main = scroller();
    const note = (): void => setScrolled((main?.scrollTop ?? 0) > TOP_PX);
    main?.addEventListener('scroll', note, { passive: true });
    return () => main?.removeEventListener('scroll', note);
  }, []);
  return scrolled;
}

/** The list that is shown: the newest, or the one that was there when the reader began to read. */
function useHeld(answer: LogsAnswer | undefined, isRead: boolean): LogsAnswer | undefined {
  const held = useRef<LogsAnswer | undefined>(undefined);
  if (!isRead || held.current === undefined) held.current = answer;
  return held.current;
}

/** The names of the chosen columns, each with a way to take it out. */
function Heads({ columns }: { columns: readonly string[] }): JSX.Element {
  return (
    <div class="line-heads opener" role="group" aria-label="Columns">
      {columns.map((name) => (
        <button
          key={name}
          type="button"
          class="btn sm ghost"
          title="Take this column out"
          onClick={() => setParams({ columns: toggledColumn(param('columns'), name) }, true)}
        >
          <span class="cut">
            <Name of={name} most={30} />
          </span>
          <Icon name="close" small />
        </button>
      ))}
    </div>
  );
}

function Row(props: { line: ShownLine; open: boolean; columns: readonly string[] }): JSX.Element {
  const { line, open, columns } = props;
  const status = statusOf(line.severityNumber);
  const toggle = (): void => setParams({ line: open ? undefined : line.id }, true);
  return (
    <li class={open ? 'line open' : 'line'}>
      <div class="one">
        <button type="button" class="opener" data-row aria-expanded={open} onClick={toggle}>
          <Icon name={open ? 'down' : 'right'} small />
          <time dateTime={new Date(line.timeMs).toISOString()}>{clockTime(line.timeMs, 'millis')}</time>
          <span class={status === undefined ? 'word muted' : `word w-${status}`}>
            {status !== undefined && <StatusIcon status={status} label="" />}
            {line.severity}
          </span>
          <span class="from cut">
            <i style={{ background: `var(--${seriesToken(line.service)})` }} />
            <Name of={line.service} most={40} />
          </span>
          {columns.map((name) => (
            <span key={name} class="extra mono cut">
              <Name of={columnText(line, name)} most={80} />
            </span>
          ))}
          <span class="mono text">
            <Name of={line.message} most={300} />
          </span>
        </button>
        {line.traceId !== '' && (
          <a class="btn sm ghost" href={`/traces/${line.traceId}`}>
            <Icon name="traces" small />
            Trace
          </a>
        )}
      </div>
      {open && <LineDetail line={line} />}
    </li>
  );
}

function Footer({ answer, older }: { answer: LogsAnswer; older: OlderLines }): JSX.Element {
  const all = [answer, ...older.pages];
  const count = all.reduce((sum, { logs }) => sum + logs.length, 0);
  const searched = all.reduce((sum, { scanned }) => sum + scanned.records, 0);
  return (
    <p class="foot">
      <span>
        <b>{digits(count)} lines</b>, newest first{older.full ? '; narrow the range or the filter for older ones' : ''}
      </span>
      <span>
        {digits(searched)} lines were searched{all.at(-1)?.complete === false ? '; the search ended early' : ''}
      </span>
      {older.load !== undefined && (
        <button type="button" class="btn sm" disabled={older.loading} onClick={older.load}>
          {older.loading ? 'Older lines are loaded' : 'Older lines'}
        </button>
      )}
      {older.error !== '' && <span role="status">Older lines could not be loaded: {older.error}</span>}
    </p>
  );
}

/** `question`: the parameters of the search that `of` answers. */
export function Lines(props: { of: Resource<LogsAnswer>; question: Readonly<Record<string, string>> }): JSX.Element {
  const { of, question } = props;
  const opened = param('line');
  const columns = columnsOf(param('columns'));
  const isRead = useScrolled() || opened !== '';
  const held = useHeld(of.data, isRead);
  const older = useOlderLines(held, question);
  const waiting = of.data === undefined || held === undefined ? 0 : countNewer(of.data.logs, held.logs);
  const resume = (): void => {
    scroller()?.scrollTo(0, 0);
    setParams({ line: undefined }, true);
  };
  return (
    <>
      {isRead && (
        <p class="held" role="status">
          <span>
            The list is held while you read
            {waiting > 0 ? `, ${digits(waiting)} newer ${waiting === 1 ? 'line waits' : 'lines wait'}` : ''}.
          </span>
          <button type="button" class="btn sm" onClick={resume}>
            Show the newest
          </button>
        </p>
      )}
      <Loaded of={of} height={400} isEmpty={() => (held?.logs.length ?? 0) === 0} empty={<NoLines />}>
        {(newest) => {
          const answer = held ?? newest;
          return (
            <>
              <div
                class={columns.length === 0 ? 'log-lines' : 'log-lines with-columns'}
                style={{ '--columns': String(columns.length) }}
              >
                {columns.length > 0 && <Heads columns={columns} />}
                <ol>
                  {shownLines([answer, ...older.pages]).map((line, at) => (
                    <Row key={line.id ?? at} line={line} open={opened !== '' && line.id === opened} columns={columns} />
                  ))}
                </ol>
              </div>
              <Footer answer={answer} older={older} />
            </>
          );
        }}
      </Loaded>
    </>
  );
}
