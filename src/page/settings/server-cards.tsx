/** What the store holds and how long, and the configuration in use. */
import type { JSX } from 'preact';
import { askedFor } from '../../dashboards/computed.ts';
import type { SettingsAnswer, SettingView, StoreAnswer } from '../../monitor/api/care-contract.ts';
import { HowComputed } from '../charts/figures/how-computed.tsx';
import { useResource } from '../state/api.ts';
import { age, bytes, dateTime, digits, joined, NONE, uptime } from '../state/format.ts';
import { param, setParams } from '../state/router.ts';
import { StatusIcon } from '../ui/icons.tsx';
import { Loaded } from '../ui/loaded.tsx';
import { Name } from '../ui/name.tsx';
import { Empty } from '../ui/states.tsx';

const EVERY_MS = 15_000;
const WORDS = { logs: 'Log lines', traces: 'Spans', requests: 'Requests' } as const;

const size = (count: number): string => joined(bytes(count));

function Room({ store }: { store: StoreAnswer }): JSX.Element {
  const used = store.samples.disk_bytes + store.signals.reduce((sum, signal) => sum + signal.disk_bytes, 0);
  const full =
    store.seconds_to_full === null ? 'it does not grow' : `full in ${uptime(store.seconds_to_full)} at this rate`;
  return (
    <p class="callers">
      {store.writable ? (
        <>
          <b>{size(used)}</b> of {size(store.max_bytes)}, {full}. The oldest make room.
        </>
      ) : (
        <span class="w-crit word">
          <StatusIcon status="crit" label="" /> The disk takes no more: new data is kept in memory only.
        </span>
      )}
    </p>
  );
}

function SignalRow({ signal }: { signal: StoreAnswer['signals'][number] }): JSX.Element {
  return (
    <tr>
      <td>{WORDS[signal.signal]}</td>
      <td class="num w">{digits(signal.records)}</td>
      <td class="num">{size(signal.disk_bytes)}</td>
      <td class="num w">{size(signal.memory_bytes)}</td>
      <td class="num w">{signal.oldest_ms === null ? NONE : dateTime(signal.oldest_ms)}</td>
      <td class="num">{age(signal.keep_ms)}</td>
      <td class="w">
        {signal.services.length === 0 ? (
          NONE
        ) : (
          <>
            <Name of={signal.services[0].service} most={30} /> {size(signal.services[0].bytes)}
          </>
        )}
      </td>
    </tr>
  );
}

const STORAGE = askedFor(
  'Storage',
  '/api/store',
  'The sizes of the files of the store and of what it holds in memory, at the moment of the question.',
);

export function StorageCard(): JSX.Element {
  const store = useResource<StoreAnswer>('/api/store', EVERY_MS);
  return (
    <section class="card c12" aria-label="Storage">
      <div class="hd">
        <h2>Storage</h2>
        <span class="sub">what is kept, and how long</span>
        <HowComputed of={STORAGE} />
      </div>
      <Loaded of={store} height={160}>
        {(data) => (
          <>
            <table class="storage">
              <thead>
                <tr>
                  <th scope="col">Kind</th>
                  <th scope="col" class="num w">
                    records
                  </th>
                  <th scope="col" class="num">
                    on disk
                  </th>
                  <th scope="col" class="num w">
                    in memory
                  </th>
                  <th scope="col" class="num w">
                    oldest
                  </th>
                  <th scope="col" class="num">
                    kept for
                  </th>
                  <th scope="col" class="w">
                    most by
                  </th>
                </tr>
              </thead>
              <tbody>
                <tr>
                  <td>Samples</td>
                  <td class="num w">{digits(data.samples.series)} series</td>
                  <td class="num">{size(data.samples.disk_bytes)}</td>
                  <td class="num w">{size(data.samples.memory_bytes)}</td>
                  <td class="num w">{data.samples.days === 1 ? 'one day' : `${data.samples.days} days`}</td>
                  <td class="num">{age(data.samples.keep_ms)}</td>
                  <td class="w" />
                </tr>
                {data.signals.map((signal) => (
                  <SignalRow key={signal.signal} signal={signal} />
                ))}
              </tbody>
            </table>
            <Room store={data} />
          </>
        )}
      </Loaded>
    </section>
  );
}

function valueText({ value, unit }: SettingView): string {
  if (value === null) return 'none';
  if (typeof value === 'number' && unit === 'bytes') return size(value);
  if (typeof value === 'number' && unit === 'ms') return value === 0 ? '0' : value < 1_000 ? `${value} ms` : age(value);
  return value === '' ? 'empty' : String(value);
}

function Rows({ settings }: { settings: readonly SettingView[] }): JSX.Element {
  return (
    <table class="settings">
      <thead>
        <tr>
          <th scope="col">Key</th>
          <th scope="col">Value</th>
          <th scope="col" class="w">
            From
          </th>
        </tr>
      </thead>
      <tbody>
        {settings.map((setting) => (
          <tr key={setting.key}>
            <td class="mono">
              <Name of={setting.key} most={120} />
            </td>
            <td>
              <Name of={valueText(setting)} most={200} />
            </td>
            <td class="w muted">{setting.is_default ? 'default' : 'set here'}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

export function ConfigurationCard(): JSX.Element {
  const config = useResource<SettingsAnswer>('/api/config');
  const text = param('setting');
  const all = param('defaults') !== '';
  const found = (settings: readonly SettingView[]): readonly SettingView[] =>
    settings.filter(
      ({ key, is_default: usual }) => (text !== '' || all || !usual) && key.toLowerCase().includes(text.toLowerCase()),
    );
  return (
    <section class="card c12" aria-label="Configuration">
      <div class="hd">
        <h2>Configuration</h2>
        <span class="sub">in use now; secrets are hidden</span>
        <label class="filter">
          <span class="vh">Search settings</span>
          <input
            type="search"
            value={text}
            placeholder="Search settings"
            spellcheck={false}
            onInput={(event) => setParams({ setting: event.currentTarget.value }, true)}
          />
        </label>
        <button
          type="button"
          class="btn sm"
          aria-pressed={all}
          onClick={() => setParams({ defaults: all ? '' : '1' }, true)}
        >
          Defaults too
        </button>
      </div>
      <Loaded
        of={config}
        height={160}
        isEmpty={({ settings }) => found(settings).length === 0}
        empty={<Empty text={text === '' ? 'Nothing differs from the defaults.' : 'No setting has this in its name.'} />}
      >
        {({ settings }) => <Rows settings={found(settings)} />}
      </Loaded>
    </section>
  );
}
