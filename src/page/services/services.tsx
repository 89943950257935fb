/** Every service: searched and sorted in the address, worst first, smooth with hundreds of rows. */
import type { JSX } from 'preact';
import { SERVICE_LIST } from '../../dashboards/computed.ts';
import type { ServiceRow, ServicesAnswer } from '../../monitor/api/contract.ts';
import { HowComputed } from '../charts/figures/how-computed.tsx';
import { useResource } from '../state/api.ts';
import { digits, duration, joined, NONE, percent, uptime } from '../state/format.ts';
import type { Instants } from '../state/instant.ts';
import { byLabel, useInstants } from '../state/instant.ts';
import { address, param, setParams } from '../state/router.ts';
import { fuzzyScore } from '../state/fuzzy.ts';
import type { Order } from '../state/sorting.ts';
import { orderOf, sortedBy } from '../state/sorting.ts';
import { StatusIcon } from '../ui/icons.tsx';
import { Loaded } from '../ui/loaded.tsx';
import { Name } from '../ui/name.tsx';
import { latencyTone, levelOf, STATE_STATUS, STATE_WORD, Strip, ToneCell } from '../ui/service-state.tsx';
import { SortHead } from '../ui/sort-head.tsx';
import { Empty } from '../ui/states.tsx';
import { VirtualRows } from '../ui/virtual-rows.tsx';
import { LIST_QUERIES } from './service-queries.ts';
import { ServiceMap } from './service-map.tsx';

const EVERY_MS = 5_000;
const COLUMNS = ['state', 'name', 'rate', 'errors', 'p50', 'p95', 'p99', 'cpu', 'logs', 'instances', 'uptime'] as const;
type Column = (typeof COLUMNS)[number];
const RANK: Readonly<Record<ServiceRow['state'], number>> = { unhealthy: 3, degraded: 2, no_data: 1, healthy: 0 };

interface Listed extends ServiceRow {
  readonly p50: number | null;
  readonly p99: number | null;
  readonly instances: number | null;
  readonly version: string;
  readonly language: string;
}

const VALUES: Readonly<Record<Column, (row: Listed) => string | number | null>> = {
  state: ({ state }) => RANK[state],
  name: ({ service }) => service,
  rate: (row) => row.requests_per_second,
  errors: (row) => row.error_ratio,
  p50: (row) => row.p50,
  p95: (row) => row.p95_seconds,
  p99: (row) => row.p99,
  cpu: (row) => row.cpu_cores,
  logs: (row) => row.logs_per_minute,
  instances: (row) => row.instances,
  uptime: (row) => row.uptime_seconds,
};

type More = Instants<keyof typeof LIST_QUERIES>;

/** The versions of each service and its language, from the resources of its processes. */
function builds(rows: More['versions']): ReadonlyMap<string, Pick<Listed, 'version' | 'language'>> {
  const found = new Map<string, { version: string; language: string }>();
  for (const { labels } of rows) {
    const { job = '', service_version: version = '', telemetry_sdk_language: language = '' } = labels;
    const known = found.get(job) ?? { version: '', language: '' };
    const versions = known.version === '' ? [] : known.version.split(', ');
    if (version !== '' && !versions.includes(version)) versions.push(version);
    found.set(job, { version: versions.join(', '), language: language || known.language });
  }
  return found;
}

const NO_MORE: More = { p50: [], p99: [], instances: [], versions: [] };

function listed(rows: readonly ServiceRow[], more: More = NO_MORE): Listed[] {
  const [p50, p99, instances] = [more.p50, more.p99, more.instances].map((column) => byLabel(column, 'job'));
  const known = builds(more.versions);
  return rows.map((row) => ({
    ...row,
    p50: p50.get(row.service) ?? null,
    p99: p99.get(row.service) ?? null,
    instances: instances.get(row.service) ?? null,
    version: known.get(row.service)?.version ?? '',
    language: known.get(row.service)?.language ?? '',
  }));
}

function Row({ row }: { row: Listed }): JSX.Element {
  const status = STATE_STATUS[row.state];
  return (
    <tr>
      <td class="svc">
        <a class="cut" data-row href={address('/service', { service: row.service })}>
          <Name of={row.service} most={60} />
          {row.version !== '' && (
            <small>
              <Name of={row.version} most={24} />
            </small>
          )}
        </a>
      </td>
      <td>
        <span class={`word w-${status}`} title={row.reason}>
          <StatusIcon status={status} label="" />
          {STATE_WORD[row.state]}
        </span>
      </td>
      <td class="w">
        <Strip strip={row.strip} />
      </td>
      <td class="num">{row.requests_per_second === null ? NONE : digits(row.requests_per_second)}</td>
      <ToneCell text={joined(percent(row.error_ratio))} tone={levelOf(row.error_ratio, 0.01, 0.05)} />
      <td class="num w">{joined(duration(row.p50))}</td>
      <ToneCell text={joined(duration(row.p95_seconds))} tone={latencyTone(row)} />
      <td class="num w">{joined(duration(row.p99))}</td>
      <td class="num w">{joined(percent(row.cpu_cores))}</td>
      <td class="num w">{row.logs_per_minute === null ? NONE : digits(row.logs_per_minute)}</td>
      <td class="num w">{row.instances === null ? NONE : digits(row.instances)}</td>
      <td class="w">{row.language === '' ? NONE : <Name of={row.language} most={16} />}</td>
      <td class="num w">{row.uptime_seconds === null ? NONE : uptime(row.uptime_seconds)}</td>
    </tr>
  );
}

function Table({ rows, order }: { rows: readonly Listed[]; order: Order<Column> }): JSX.Element {
  return (
    <table class="services two-lines">
      <thead>
        <tr>
          <SortHead column="name" title="Service" order={order} isText />
          <SortHead column="state" title="State" order={order} className="left" />
          <th scope="col" class="w">
            15 min
          </th>
          <SortHead column="rate" title="req/s" order={order} />
          <SortHead column="errors" title="errors" order={order} />
          <SortHead column="p50" title="p50" order={order} className="w" />
          <SortHead column="p95" title="p95" order={order} />
          <SortHead column="p99" title="p99" order={order} className="w" />
          <SortHead column="cpu" title="CPU" order={order} className="w" />
          <SortHead column="logs" title="logs/min" order={order} className="w" />
          <SortHead column="instances" title="processes" order={order} className="w" />
          <th scope="col" class="w">
            language
          </th>
          <SortHead column="uptime" title="uptime" order={order} className="w" />
        </tr>
      </thead>
      <VirtualRows rows={rows} columns={13}>
        {(row) => <Row key={row.service} row={row} />}
      </VirtualRows>
    </table>
  );
}

function Search({ text }: { text: string }): JSX.Element {
  return (
    <label class="filter">
      <span class="vh">Search services</span>
      <input
        type="search"
        data-filter
        value={text}
        placeholder="Search services  /"
        spellcheck={false}
        onInput={(event) => setParams({ q: event.currentTarget.value }, true)}
      />
    </label>
  );
}

const NOTHING = (
  <Empty
    text="No service has sent telemetry yet."
    action={
      <a class="btn sm" href="/?connect=1">
        Connect your app
      </a>
    }
  />
);

const NO_ROWS: readonly ServiceRow[] = [];

/** Each view has its own order of columns, so the order of the other is left behind. */
function Views({ isMap }: { isMap: boolean }): JSX.Element {
  return (
    <div class="seg" role="group" aria-label="View">
      <button type="button" aria-pressed={!isMap} onClick={() => setParams({ view: '', sort: '' })}>
        List
      </button>
      <button type="button" aria-pressed={isMap} onClick={() => setParams({ view: 'map', sort: '' })}>
        Map
      </button>
    </div>
  );
}

export function ServicesPage(): JSX.Element {
  const services = useResource<ServicesAnswer>('/api/services', EVERY_MS);
  const more = useInstants(LIST_QUERIES, EVERY_MS * 2);
  const text = param('q');
  const isMap = param('view') === 'map';
  const order = orderOf<Column>(param('sort'), COLUMNS, { column: 'state', descending: true });
  const show = (answer: ServicesAnswer): JSX.Element => {
    const all = listed(answer.services, more.data);
    const found = text === '' ? all : all.filter(({ service }) => fuzzyScore(service, text) !== undefined);
    if (found.length === 0) {
      return (
        <Empty
          text={`None of ${all.length} services has this name.`}
          action={
            <button type="button" class="btn sm" onClick={() => setParams({ q: '' }, true)}>
              Show all services
            </button>
          }
        />
      );
    }
    return <Table rows={sortedBy(found, VALUES[order.column], order.descending)} order={order} />;
  };
  const count = services.data?.services.length;
  return (
    <>
      <div class="page-head">
        <h1 class="page-title">Services</h1>
        <span class="muted">
          {count === undefined ? '' : count === 1 ? 'one sends telemetry' : `${count} send telemetry`}
        </span>
        {!isMap && <HowComputed of={SERVICE_LIST} />}
        <Views isMap={isMap} />
        {!isMap && <Search text={text} />}
      </div>
      {isMap ? (
        <ServiceMap services={services.data?.services ?? NO_ROWS} />
      ) : (
        <section class="card c12" aria-label="Services">
          <Loaded of={services} height={240} isEmpty={(answer) => answer.services.length === 0} empty={NOTHING}>
            {show}
          </Loaded>
        </section>
      )}
    </>
  );
}
