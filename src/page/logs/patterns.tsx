/** What the lines say in sum: their patterns with counts, and which are new. */
import type { JSX } from 'preact';
import { askedFor, LINES_COUNTED } from '../../dashboards/computed.ts';
import type { PatternsAnswer } from '../../monitor/api/records/contract.ts';
import { HowComputed } from '../charts/figures/how-computed.tsx';
import { useResource } from '../state/api.ts';
import { phrase, termOf, withTerm } from '../state/filter-text.ts';
import { dateTime, digits, joined, percent } from '../state/format.ts';
import { asked } from '../state/range.ts';
import { address, param } from '../state/router.ts';
import { Loaded } from '../ui/loaded.tsx';
import { Name } from '../ui/name.tsx';
import { isNewPattern, phraseOf, type Pattern } from './log-parts.ts';
import { NoLines } from './no-lines.tsx';

const linesOf = ({ service, template }: Pattern): string => {
  const words = phraseOf(template);
  const narrowed = withTerm(param('q'), termOf('service', service));
  return address('/logs', { q: words === '' ? narrowed : withTerm(narrowed, phrase(words)) });
};

function Row({ pattern }: { pattern: Pattern }): JSX.Element {
  const isNew = isNewPattern(pattern, asked.value.fromMs);
  return (
    <tr>
      <td class="num">{digits(pattern.count)}</td>
      <td class="num w">{joined(percent(pattern.share))}</td>
      <td>
        <span class="cut">
          <Name of={pattern.service} most={40} />
        </span>
      </td>
      <td class="mono template">
        <a data-row href={linesOf(pattern)} title="Lines with the longest part of this pattern">
          <Name of={pattern.template} most={300} />
        </a>
      </td>
      <td class="w">
        {isNew ? <b>new </b> : ''}
        <time dateTime={new Date(pattern.first_seen_ms).toISOString()}>{dateTime(pattern.first_seen_ms)}</time>{' '}
        {pattern.version !== '' && <Name of={pattern.version} most={20} />}
      </td>
    </tr>
  );
}

const MOST_NEW = 3;

/** The new ones by name, above the list. Nothing when none is new. */
function NewPatterns({ of }: { of: readonly Pattern[] }): JSX.Element | null {
  const fresh = of.filter((pattern) => isNewPattern(pattern, asked.value.fromMs));
  if (fresh.length === 0) return null;
  const more = fresh.length - MOST_NEW;
  return (
    <p class="held" role="status">
      <span>
        <b>{digits(fresh.length)} new</b> in this range:{' '}
        {fresh.slice(0, MOST_NEW).map((pattern, at) => (
          <span key={`${pattern.service} ${pattern.template}`}>
            {at > 0 && ', '}
            <a class="mono" href={linesOf(pattern)}>
              <Name of={pattern.template} most={60} />
            </a>{' '}
            {digits(pattern.count)}×
          </span>
        ))}
        {more > 0 && ` and ${digits(more)} more`}
      </span>
    </p>
  );
}

export function Patterns(props: {
  question: Readonly<Record<string, string>>;
  everyMs: number | undefined;
}): JSX.Element {
  const path = address('/api/logs/patterns', { ...props.question, limit: '100' });
  const patterns = useResource<PatternsAnswer>(path, props.everyMs);
  return (
    <Loaded of={patterns} height={300} isEmpty={({ total }) => total === 0} empty={<NoLines />}>
      {({ patterns: found, others, total }) => (
        <>
          <NewPatterns of={found} />
          <table class="patterns">
            <thead>
              <tr>
                <th scope="col" class="num">
                  lines
                </th>
                <th scope="col" class="num w">
                  share
                </th>
                <th scope="col">service</th>
                <th scope="col">pattern</th>
                <th scope="col" class="w">
                  first seen
                </th>
              </tr>
            </thead>
            <tbody>
              {found.map((pattern) => (
                <Row key={`${pattern.service} ${pattern.template}`} pattern={pattern} />
              ))}
            </tbody>
          </table>
          <p class="foot">
            <span>
              <b>{digits(total)} lines</b> in all
              {others > 0 && `, ${digits(others)} of them in patterns that are not shown`}
            </span>
            <HowComputed of={askedFor('Patterns', path, LINES_COUNTED)} />
          </p>
        </>
      )}
    </Loaded>
  );
}
