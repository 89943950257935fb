/** The response cache: results, entries, hot and most-missed keys, and a purge that can be taken back for ten minutes. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { CACHE } from '../../dashboards/computed.ts';
import type { CacheFigures } from '../../monitor/api/contract.ts';
import type { CacheAnswer, KeyCountView } from '../../monitor/api/care-contract.ts';
import { HowComputed } from '../charts/figures/how-computed.tsx';
import { ApiError } from '../state/api.ts';
import type { Resource } from '../state/api.ts';
import { bytes, digits, duration, joined, NONE, percent } from '../state/format.ts';
import { mayDo } from '../state/session.ts';
import { Loaded } from '../ui/loaded.tsx';
import { Name } from '../ui/name.tsx';
import { Empty } from '../ui/states.tsx';
import { change } from './changes.ts';

const KINDS = [
  ['url', 'URL'],
  ['prefix', 'Prefix'],
  ['tag', 'Tag'],
] as const;
const HINTS = { url: 'http://shop.test/items/1', prefix: 'http://shop.test/items/', tag: 'items' } as const;

function Purge({ reload }: { reload: () => void }): JSX.Element {
  const [kind, setKind] = useState<(typeof KINDS)[number][0]>('url');
  const allowed = mayDo('editor');
  return (
    <form
      class="purge"
      aria-label="Purge the cache"
      onSubmit={(event) => {
        event.preventDefault();
        const form = event.currentTarget;
        const value = new FormData(form).get('value');
        if (typeof value !== 'string' || value.trim() === '') return;
        void change('/api/cache/purge', { [kind]: value.trim() }, () => {
          form.reset();
          reload();
        });
      }}
    >
      <div class="seg" role="group" aria-label="What to purge by">
        {KINDS.map(([id, title]) => (
          <button key={id} type="button" aria-pressed={kind === id} onClick={() => setKind(id)}>
            {title}
          </button>
        ))}
      </div>
      <input
        name="value"
        class="mono"
        required
        maxLength={8_192}
        aria-label={`The ${kind} to purge`}
        placeholder={HINTS[kind]}
        spellcheck={false}
        autocomplete="off"
        disabled={!allowed}
      />
      <button type="submit" class="btn" disabled={!allowed} title={allowed ? undefined : 'This needs the role editor'}>
        Purge
      </button>
    </form>
  );
}

function Keys({
  title,
  keys,
  error,
  word,
}: {
  title: string;
  keys: readonly KeyCountView[];
  error: number;
  word: string;
}): JSX.Element {
  const most = Math.max(1, ...keys.map(({ count }) => count));
  return (
    <div class="keys-list">
      <h3>
        {title} <small class="muted">{error > 0 ? `counts may be ${digits(error)} too low` : 'counts are exact'}</small>
      </h3>
      {keys.length === 0 && <p class="muted">None yet.</p>}
      <ol>
        {keys.slice(0, 10).map(({ key, count }) => (
          <li key={key}>
            <span class="cut">
              <Name of={key} mono most={120} />
            </span>
            <i style={{ '--w': `${(count / most) * 100}%` }} aria-hidden="true" />
            <span class="num">
              {digits(count)} <span class="vh">{word}</span>
            </span>
          </li>
        ))}
      </ol>
    </div>
  );
}

function Results({ answer, current }: { answer: CacheAnswer; current: CacheFigures | null }): JSX.Element {
  const { lookups, entries, sizeBytes, filling, tooLarge } = answer;
  const facts: readonly (readonly [string, string])[] = [
    ['hit ratio, last minute', joined(percent(current?.hit_ratio))],
    ['hits', digits(lookups.hit)],
    ['misses', digits(lookups.miss)],
    ['stale', digits(lookups.stale)],
    ['bypassed', digits(lookups.bypass)],
    ['errors', digits(lookups.error)],
    ['entries', entries === undefined ? NONE : digits(entries)],
    ['held', joined(bytes(sizeBytes))],
    ['being filled', digits(filling)],
    ['too large', digits(tooLarge)],
    ['mean look-up', joined(duration(current?.lookup_average_seconds))],
  ];
  return (
    <dl class="fact-row">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

export function CacheCard({
  keys,
  current,
}: {
  keys: Resource<CacheAnswer>;
  current: CacheFigures | null;
}): JSX.Element {
  // A balancer that keeps no responses is not a failure.
  const off = keys.error instanceof ApiError && keys.error.status === 404;
  return (
    <section class="card c12" aria-label="Cache">
      <div class="hd">
        <h2>Cache</h2>
        <span class="sub">since the start</span>
        <HowComputed of={CACHE} />
      </div>
      {off ? (
        <Empty text="The balancer keeps no responses. Give a route `cache: {}` to let it." />
      ) : (
        <Loaded of={keys} height={160}>
          {(answer) => (
            <div class="cache">
              <Results answer={answer} current={current} />
              <div class="lists">
                <Keys title="Hot keys" keys={answer.hot} error={answer.countError.hot} word="look-ups" />
                <Keys title="Most missed keys" keys={answer.missed} error={answer.countError.missed} word="misses" />
              </div>
              <Purge reload={keys.reload} />
            </div>
          )}
        </Loaded>
      )}
    </section>
  );
}
