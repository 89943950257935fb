/** All metrics: search, type, unit, help and number of series, so that an expensive metric is known before it is drawn. */
import type { JSX } from 'preact';
import { useEffect, useMemo, useState } from 'preact/hooks';
import { digits, NONE } from '../state/format.ts';
import { address, param, setParams } from '../state/router.ts';
import { Name } from '../ui/name.tsx';
import { Empty, Failed, Loading } from '../ui/states.tsx';
import type { MetricEntry } from './catalog.ts';
import { firstQuery, metricEntries } from './catalog.ts';

const SHOWN = 100;

/** Every word must occur in name, help, type or unit; names that begin with the first word come first. Pure. */
export function found(entries: readonly MetricEntry[], search: string, type: string): readonly MetricEntry[] {
  const words = search
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  const some = entries.filter((entry) => {
    if (type !== '' && entry.type !== type) return false;
    const text = `${entry.name} ${entry.help} ${entry.type} ${entry.unit}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
  if (words.length === 0) return some;
  const rank = ({ name }: MetricEntry): number => (name.startsWith(words[0]) ? 0 : name.includes(words[0]) ? 1 : 2);
  return [...some].sort((a, b) => rank(a) - rank(b));
}

function Row({ entry }: { entry: MetricEntry }): JSX.Element {
  const { name, type, unit, help, series } = entry;
  return (
    <tr>
      <td>
        <a class="mono" href={address('/explore', { q: firstQuery(name, type) })}>
          <Name of={name} most={90} />
        </a>
      </td>
      <td class="w">{type || NONE}</td>
      <td class="w">{unit || NONE}</td>
      <td class="num">{series === undefined ? NONE : digits(series)}</td>
      <td class="help-text">{help}</td>
      <td class="num">
        <button type="button" class="btn sm" onClick={() => setParams({ metric: name })}>
          Break down
        </button>
      </td>
    </tr>
  );
}

function Rows({ rows, shown }: { rows: readonly MetricEntry[]; shown: number }): JSX.Element {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="List of metrics">
      <table>
        <thead>
          <tr>
            <th>name</th>
            <th class="w">type</th>
            <th class="w">unit</th>
            <th class="num">series</th>
            <th class="help-text">help</th>
            <th>
              <span class="vh">Break down</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.slice(0, shown).map((entry) => (
            <Row key={entry.name} entry={entry} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Search(props: {
  search: string;
  type: string;
  types: readonly string[];
  onSearch: (search: string) => void;
  onType: (type: string) => void;
  onRenew: () => void;
}): JSX.Element {
  return (
    <>
      <label class="find">
        <span class="vh">Find a metric</span>
        <input
          type="search"
          placeholder="Name, help, type or unit"
          value={props.search}
          onInput={(event) => props.onSearch(event.currentTarget.value)}
        />
      </label>
      <label>
        <span class="vh">Type</span>
        <select value={props.type} onChange={(event) => props.onType(event.currentTarget.value)}>
          <option value="">any type</option>
          {props.types.map((one) => (
            <option key={one}>{one}</option>
          ))}
        </select>
      </label>
      <button type="button" class="btn sm" onClick={props.onRenew}>
        Renew
      </button>
    </>
  );
}

export function MetricBrowser(): JSX.Element {
  const [entries, setEntries] = useState<readonly MetricEntry[] | undefined>(undefined);
  const [error, setError] = useState<Error | undefined>(undefined);
  const [search, setSearch] = useState(param('find'));
  const [type, setType] = useState('');
  const [shown, setShown] = useState(SHOWN);
  const load = (fresh: boolean): void => {
    setError(undefined);
    metricEntries(fresh)
      .then(setEntries)
      .catch((problem: unknown) =>
        setError(problem instanceof Error ? problem : new Error('The metrics did not arrive.')),
      );
  };
  useEffect(() => load(false), []);
  const all = entries ?? [];
  const rows = useMemo(() => found(all, search, type), [entries, search, type]);
  const types = useMemo(
    () => [...new Set(all.map((entry) => entry.type))].filter((one) => one !== '').sort(),
    [entries],
  );
  const left = rows.length - shown;
  return (
    <section class="card c12 browser" aria-label="Metrics">
      <div class="hd">
        <h2>Metrics</h2>
        <span class="sub">{entries === undefined ? '' : `${rows.length} of ${all.length}`}</span>
        <Search
          search={search}
          type={type}
          types={types}
          onSearch={(text) => {
            setSearch(text);
            setShown(SHOWN);
          }}
          onType={setType}
          onRenew={() => load(true)}
        />
      </div>
      {error !== undefined && <Failed error={error} retry={() => load(true)} />}
      {entries === undefined && error === undefined && <Loading height={200} />}
      {entries !== undefined && rows.length === 0 && (
        <Empty text={all.length === 0 ? 'No metrics have arrived yet.' : 'No metric matches this search.'} />
      )}
      {rows.length > 0 && <Rows rows={rows} shown={shown} />}
      {left > 0 && (
        <button type="button" class="btn sm more-rows" onClick={() => setShown(shown + SHOWN * 5)}>
          Show more ({left} left)
        </button>
      )}
    </section>
  );
}
