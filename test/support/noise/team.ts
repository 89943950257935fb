/**
 * Five services in operation, second by second: the metrics that the built-in rules read, under the names in which they are
 * stored, and the log lines. Traffic follows the hour of the day, and every number varies by chance.
 */
import { seededRandom, type Random } from '../../../src/base/random.ts';
import { Labels } from '../../../src/model/labels.ts';
import type { LogRecord } from '../../../src/model/records.ts';
import type { SampleSink } from '../../../src/model/ports.ts';
import { SampleColumns } from '../../../src/monitor/ingest/metrics/sample-columns.ts';
import { DAY_S, SERVICES, UPSTREAMS, type Condition } from './schedule.ts';

const BALANCER = { job: 'vitrine-balancer', instance: 'balancer-1' };
const MONITOR = { job: 'vitrine-monitor', instance: 'monitor-1' };
const REQUESTS = 'http_server_request_duration_seconds_count';
const ERROR = 17;
const INFO = 9;
/** Services send their figures each 10 s, checks run each 5 s, the host is measured each 5 s. */
const [SERVICE_S, SLOW_S] = [10, 5];

const lineOf = (service: string, severityNumber: number): LogRecord => ({
  timeUnixNano: 0n,
  observedUnixNano: 0n,
  severityNumber,
  severityText: '',
  body: 'request done',
  attributes: {},
  traceId: '',
  spanId: '',
  resource: { attributes: { 'service.name': service } },
  scope: { name: '', version: '' },
});

/** The sum, the product and the presence of what holds in one second. */
class Present {
  readonly #now: readonly Condition[];

  constructor(now: readonly Condition[]) {
    this.#now = now;
  }

  sum(field: 'cpu' | 'memory' | 'disk' | 'failingShare' | 'networkErrors' | 'refusedPerSecond'): number {
    return this.#now.reduce((sum, condition) => sum + (condition[field] ?? 0), 0);
  }

  get slower(): number {
    return this.#now.reduce((product, { slower }) => product * (slower ?? 1), 1);
  }

  get hitRatio(): number | undefined {
    return this.#now.find(({ hitRatio }) => hitRatio !== undefined)?.hitRatio;
  }

  has(test: (condition: Condition) => boolean | undefined): boolean {
    return this.#now.some((condition) => test(condition) === true);
  }

  get lines(): readonly Condition[] {
    return this.#now.filter(({ linesPerMinute }) => linesPerMinute !== undefined);
  }
}

export class Team {
  readonly #random: Random;
  readonly #conditions: readonly Condition[];
  readonly #totals = new Map<number, number>();
  readonly #refs = new Map<string, number>();
  #columns = new SampleColumns();
  #sink: SampleSink;
  #timeMs = 0;
  #stepS = 1;

  constructor(seed: number, conditions: readonly Condition[], sink: SampleSink) {
    this.#random = seededRandom(seed);
    this.#conditions = conditions;
    this.#sink = sink;
  }

  /**
   * The samples of second `s` of the week, at `timeMs`, go to the sink; the log lines of the last `stepS` seconds are returned.
   */
  async seconds(s: number, stepS: number, timeMs: number): Promise<LogRecord[]> {
    const present = new Present(this.#conditions.filter(({ startS, endS }) => startS <= s && s < endS));
    this.#columns = new SampleColumns(128);
    this.#timeMs = timeMs;
    this.#stepS = stepS;
    this.#traffic(s, present);
    if (s % SLOW_S === 0) {
      this.#host(s, present);
      this.#checks(present);
      this.#pipeline(present);
    }
    if (s % SERVICE_S === 0) {
      for (const service of SERVICES) {
        if (present.has((c) => c.service === service && c.stopped)) continue;
        this.#gauge('target_info', { job: service, instance: `${service}-1`, host_name: 'app-1' }, 1);
      }
    }
    await this.#sink.append(this.#columns.batch());
    return this.#lines(s, present);
  }

  #traffic(s: number, present: Present): void {
    const rate = requestRate(s);
    const count = this.#about(rate * this.#stepS);
    const failingShare = 0.0004 + present.sum('failingShare');
    const failing = this.#share(count, failingShare);
    const missing = this.#share(count - failing, 0.02);
    this.#counter(REQUESTS, { ...BALANCER, http_response_status_code: '200' }, count - failing - missing);
    this.#counter(REQUESTS, { ...BALANCER, http_response_status_code: '404' }, missing);
    this.#counter(REQUESTS, { ...BALANCER, http_response_status_code: '502' }, failing);
    const firstByteS = (0.02 + 0.05 * this.#random() ** 3) * present.slower * count;
    for (const [phase, share] of [
      ['queue', 0.01],
      ['cache', 0.04],
      ['connect', 0.05],
      ['wait', 0.9],
      ['transfer', 1.5],
    ] as const)
      this.#counter(
        'vitrine_balancer_phase_duration_seconds_sum',
        { ...BALANCER, vitrine_phase: phase },
        firstByteS * share,
      );
    const lookups = this.#share(count, 0.7);
    const hits = this.#share(lookups, present.hitRatio ?? 0.78);
    const cache = { ...BALANCER, vitrine_cache_name: 'responses' };
    this.#counter('vitrine_cache_lookups_total', { ...cache, vitrine_cache_result: 'hit' }, hits);
    this.#counter('vitrine_cache_lookups_total', { ...cache, vitrine_cache_result: 'miss' }, lookups - hits);
    for (const service of UPSTREAMS) {
      for (const instance of [0, 1]) {
        const down = present.has((c) => c.service === service && c.instanceDown === instance);
        const name = `${service}-${instance}`;
        this.#gauge('vitrine_balancer_upstream_up', { ...BALANCER, vitrine_upstream: name }, down ? 0 : 1);
      }
    }
  }

  #host(s: number, present: Present): void {
    const own = { ...MONITOR };
    const busy = Math.min(0.99, 0.15 + 0.25 * dayShare(s) + present.sum('cpu') + 0.1 * this.#random());
    const gauge = (name: string, labels: Record<string, string>, value: number): void =>
      this.#gauge(name, { ...own, ...labels }, value);
    gauge('target_info', { host_name: 'app-1' }, 1);
    gauge('system_cpu_logical_count', {}, 8);
    for (const cpu of ['0', '1', '2', '3'])
      gauge('system_cpu_utilization_ratio', { cpu_mode: 'idle', cpu_logical_number: cpu }, 1 - busy);
    gauge('system_cpu_load_average_5m', {}, 8 * busy + this.#random());
    const memory = Math.min(0.99, 0.55 + 0.05 * this.#random() + present.sum('memory'));
    gauge('system_memory_limit_bytes', {}, 16e9);
    gauge('system_memory_usage_bytes', { system_memory_state: 'used' }, 16e9 * memory);
    gauge('system_memory_usage_bytes', { system_memory_state: 'cached' }, 16e9 * (1 - memory));
    const used = Math.min(0.99, 0.52 + (0.01 * s) / DAY_S + 0.001 * this.#random() + present.sum('disk'));
    const disk = { system_filesystem_mountpoint: '/', system_device: 'sda1' };
    gauge('system_filesystem_utilization_ratio', { ...disk, system_filesystem_state: 'used' }, used);
    gauge('system_filesystem_usage_bytes', { ...disk, system_filesystem_state: 'free' }, 200e9 * (1 - used));
    const errors = (this.#random() < 0.002 ? 1 : 0) + present.sum('networkErrors') * Math.max(SLOW_S, this.#stepS);
    this.#counter('system_network_errors_total', { ...own, network_interface_name: 'eth0' }, errors);
  }

  #checks(present: Present): void {
    for (const service of UPSTREAMS) {
      const labels = { job: 'checks', instance: `https://${service}.example/health` };
      // One in two thousand checks is lost on its way.
      const down = this.#random() < 0.0005 || (service === 'gateway' && present.has((c) => c.probeDown));
      this.#gauge('probe_success', labels, down ? 0 : 1);
      this.#gauge('probe_duration_seconds', labels, down ? 5 : 0.03 + 0.1 * this.#random() ** 4);
      this.#gauge('probe_ssl_earliest_cert_expiry', labels, this.#timeMs / 1_000 + 50 * 86_400);
    }
  }

  #pipeline(present: Present): void {
    this.#gauge('vitrine_component_uptime_seconds', { ...MONITOR, vitrine_component: 'monitor' }, 1_000);
    this.#gauge('vitrine_store_writable', MONITOR, present.has((c) => c.storeBroken) ? 0 : 1);
    this.#gauge('vitrine_store_time_to_full_seconds', MONITOR, 60 * DAY_S);
    this.#gauge('vitrine_config_last_reload_successful', BALANCER, 1);
    const refused = present.sum('refusedPerSecond') * Math.max(SLOW_S, this.#stepS);
    this.#counter('vitrine_ingest_rejected_total', { ...MONITOR, signal: 'metrics', reason: 'too_old' }, refused);
    this.#counter('vitrine_telemetry_dropped_total', { ...BALANCER, signal: 'spans', exporter: 'otlp' }, 0);
    this.#counter('vitrine_ingest_frames_skipped_total', MONITOR, this.#random() < 0.001 ? 1 : 0);
    this.#counter('vitrine_alert_evaluation_failures_total', { ...MONITOR, group: 'vitrine-stack' }, 0);
    this.#counter('vitrine_alert_evaluations_missed_total', { ...MONITOR, group: 'vitrine-stack' }, 0);
  }

  #lines(s: number, present: Present): LogRecord[] {
    const lines: LogRecord[] = [];
    const add = (service: string, perMinute: number, errorShare: number): void => {
      for (let n = this.#about((perMinute / 60) * this.#stepS); n > 0; n -= 1)
        lines.push(lineOf(service, this.#random() < errorShare ? ERROR : INFO));
    };
    for (const service of SERVICES) {
      if (present.has((c) => c.service === service && c.stopped)) continue;
      add(service, 20 + 40 * dayShare(s), 0.004);
    }
    for (const { service, job, linesPerMinute, errorShare } of present.lines)
      add(job ?? service ?? 'gateway', linesPerMinute ?? 0, errorShare ?? 0);
    return lines;
  }

  /** A whole number near `mean`, the mean of many: Poisson's distribution for small means, the normal one above. */
  #about(mean: number): number {
    if (mean > 30) {
      const normal = Math.sqrt(-2 * Math.log(1 - this.#random())) * Math.cos(2 * Math.PI * this.#random());
      return Math.max(0, Math.round(mean + Math.sqrt(mean) * normal));
    }
    let count = 0;
    for (let left = Math.exp(-mean), product = this.#random(); product > left; product *= this.#random()) count += 1;
    return count;
  }

  #share(count: number, probability: number): number {
    let share = 0;
    for (let i = 0; i < count; i += 1) if (this.#random() < probability) share += 1;
    return share;
  }

  #gauge(name: string, labels: Record<string, string>, value: number): void {
    this.#columns.add(this.#ref(name, labels), this.#timeMs, value, false, 0);
  }

  #counter(name: string, labels: Record<string, string>, added: number): void {
    const ref = this.#ref(name, labels);
    const total = (this.#totals.get(ref) ?? 0) + added;
    this.#totals.set(ref, total);
    this.#columns.add(ref, this.#timeMs, total, false, 0);
  }

  #ref(name: string, labels: Record<string, string>): number {
    const key = name + Object.values(labels).join('\n');
    let ref = this.#refs.get(key);
    if (ref === undefined) {
      ref = this.#sink.resolve(Labels.from({ __name__: name, ...labels }));
      this.#refs.set(key, ref);
    }
    return ref;
  }
}

/** 0 at three in the night, 1 in the afternoon. */
const dayShare = (s: number): number => (1 - Math.cos((2 * Math.PI * (s - 3 * 3_600)) / DAY_S)) / 2;
/** Requests a second. */
const requestRate = (s: number): number => 4 + 50 * dayShare(s);
