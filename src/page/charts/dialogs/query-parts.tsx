/** What the dialogs about a panel and about key figures say in the same words. */
import type { JSX } from 'preact';
import type { ChartQueryAnswer } from '../../../monitor/api/charts/contract.ts';
import { digits } from '../../state/format.ts';
import { address } from '../../state/router.ts';

/** The rules that watch the query, as entries of the list. */
export function WatchedBy({ limits }: Pick<ChartQueryAnswer, 'limits'>): JSX.Element {
  return (
    <>
      {limits.length > 0 && <dt>Watched by</dt>}
      {limits.map(({ rule, op, limit }) => (
        <dd key={rule}>
          <a href={address('/alerts', { rule })}>{rule}</a> fires at {op} {digits(limit)}
        </dd>
      ))}
    </>
  );
}

/** What the query warns of, and the way to try it. */
export function QueryFoot({
  warnings,
  infos,
  expr,
}: Pick<ChartQueryAnswer, 'warnings' | 'infos' | 'expr'>): JSX.Element {
  return (
    <>
      {[...warnings, ...infos].map((text) => (
        <p key={text} class="note">
          {text}
        </p>
      ))}
      <a class="btn sm" href={address('/explore', { q: expr })}>
        Open in Explore
      </a>
    </>
  );
}

export function QueryError({ error }: { error: NonNullable<ChartQueryAnswer['error']> }): JSX.Element {
  return (
    <p class="crit">
      {error.message} {error.hint}
    </p>
  );
}
