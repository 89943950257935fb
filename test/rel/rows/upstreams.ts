/** Rows A1 to A8: upstreams that are killed, restarted, hung, slow, flapping or gone, or that answer with errors. */
import { setTimeout as time } from 'node:timers/promises';
import { raw } from '../../stack/balancer/rig.ts';
import { freePort } from '../../support/programs/vitrine-process.ts';
import { familiesOf, sumOf } from '../../support/telemetry/exposition-text.ts';
import { failed, failures, load, meanwhile, quantile, round, type Asked } from '../load.ts';
import type { Row } from '../row.ts';
import { stage } from '../stage.ts';

const CYCLES = 20;

const fifthPost = (at: number): string => (at % 5 === 0 ? 'POST' : 'GET');
const GETS = (asked: readonly Asked[]): Asked[] => asked.filter(({ method }) => method === 'GET');
const POSTS = (asked: readonly Asked[]): Asked[] => asked.filter(({ method }) => method === 'POST');

const kill9: Row = {
  id: 'A1',
  name: 'kill9-upstream',
  goal: '0 failed GETs of 3,000, 0 POSTs twice; failed POSTs are clean 502 or 503 (A9)',
  async run() {
    await using it = await stage(3);
    const asked = await meanwhile(load(it.url, { rate: 150, seconds: 26, method: fifthPost }), 4_000, async (at) => {
      const one = it.origins[at % 3];
      await one.stop('SIGKILL');
      await time(1_000);
      await one.start();
    });
    const posts = it.origins.flatMap((one) => one.posts);
    const twice = posts.length - new Set(posts).size;
    const [gets, lost] = [failed(GETS(asked)), POSTS(asked).filter(({ status }) => status !== 200)];
    const unclean = lost.filter(({ status }) => status !== 502 && status !== 503).length;
    return {
      figure: {
        requests: asked.length,
        failedGets: gets,
        statusesOfGets: failures(GETS(asked)),
        failedPosts: lost.length,
        uncleanPosts: unclean,
        twice,
      },
      pass: asked.length >= 3_000 && gets === 0 && twice === 0 && unclean === 0,
    };
  },
};

const rolling: Row = {
  id: 'A2',
  name: 'rolling-upstreams',
  goal: '0 failed of 3,000, GET and POST',
  async run() {
    await using it = await stage(3);
    const asked = await meanwhile(load(it.url, { rate: 150, seconds: 22, method: fifthPost }), 3_000, async (at) => {
      const one = it.origins[at % 3];
      await one.stop('SIGTERM');
      await one.start();
    });
    return {
      figure: { requests: asked.length, failed: failed(asked) },
      pass: asked.length >= 3_000 && failed(asked) === 0,
    };
  },
};

const hung: Row = {
  id: 'A4',
  name: 'hung-upstream',
  goal: 'with the defaults 0 failed, none over 1 s of those asked after second 5',
  async run() {
    await using it = await stage(3);
    const asking = load(it.url, { rate: 50, seconds: 12 });
    it.origins[1].signal('SIGSTOP');
    const asked = await asking;
    it.origins[1].signal('SIGCONT');
    const slow = asked.filter(({ ms }) => ms > 1_000);
    const late = slow.filter(({ atSeconds }) => atSeconds > 5).length;
    return {
      figure: { requests: asked.length, failed: failed(asked), slow: slow.length, slowAfter5s: late },
      pass: failed(asked) === 0 && late === 0,
    };
  },
};

const slow: Row = {
  id: 'A5',
  name: 'slow-upstream',
  goal: 'share of one of three at +500 ms is 10 % at most after 5 s, with first_byte 1s and hedge 200ms',
  async run() {
    await using it = await stage(3, { timeouts: { first_byte: '1s', hedge: '200ms' } });
    it.origins[2].set({ addMs: 500 });
    const asked = (await load(it.url, { rate: 50, seconds: 12 })).filter(({ atSeconds }) => atSeconds > 5);
    const share = asked.filter(({ origin }) => origin === 'c').length / asked.length;
    return {
      figure: { requests: asked.length, failed: failed(asked), sharePercent: round(share * 100) },
      pass: failed(asked) === 0 && share <= 0.1,
    };
  },
};

const flapping: Row = {
  id: 'A6',
  name: 'flapping',
  goal: '20 cycles of 1 s up, 1 s down: failed 0.1 % at most, ejections 8 at most',
  async run() {
    const scrape = await freePort();
    const env = { OTEL_METRICS_EXPORTER: 'prometheus', OTEL_EXPORTER_PROMETHEUS_PORT: String(scrape) };
    await using it = await stage(3, {}, {}, env);
    let cycles = 0;
    const over = (): boolean => cycles >= CYCLES;
    const asked = await meanwhile(load(it.url, { rate: 100, seconds: 180, over }), 1_000, async () => {
      await it.origins[0].stop();
      await time(1_000);
      await it.origins[0].start();
      cycles += 1;
    });
    const page = await (await fetch(`http://127.0.0.1:${scrape}/metrics`)).text();
    const ejections = sumOf(familiesOf(page), 'vitrine_balancer_ejections_total');
    return {
      figure: { requests: asked.length, failed: failed(asked), statuses: failures(asked), cycles, ejections },
      pass: failed(asked) <= asked.length / 1_000 && cycles === CYCLES && ejections >= 1 && ejections <= 8,
    };
  },
};

const allDown: Row = {
  id: 'A7',
  name: 'all-down',
  goal: '503 with Retry-After in 50 ms (median of 20), first 200 within 1 s of the return',
  async run() {
    await using it = await stage(2);
    for (const one of it.origins) await one.stop();
    const get = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
    const answers = [];
    for (let at = 0; at < 20; at += 1) answers.push(await raw(it.port, get, /\}\n$/));
    const honest = answers.filter(({ status, text }) => status === 503 && /retry-after/i.test(text)).length;
    const ms = quantile(
      answers.map((one) => one.ms),
      0.5,
    );
    await it.origins[0].start();
    const backMs = performance.now();
    while ((await raw(it.port, get, /ok$|\}\n$/)).status !== 200) await time(10);
    const firstMs = performance.now() - backMs;
    return {
      figure: { honest, medianMs: round(ms), firstGoodMs: round(firstMs) },
      pass: honest === 20 && ms <= 50 && firstMs <= 1_000,
    };
  },
};

const budget: Row = {
  id: 'A8',
  name: 'retry-budget',
  goal: 'every upstream answers 503: upstream requests are 1.2 times the clients at most',
  async run() {
    await using it = await stage(3);
    for (const one of it.origins) one.set({ status: 503 });
    const asked = await load(it.url, { rate: 100, seconds: 10 });
    let tries = 0;
    for (const one of it.origins) tries += await one.requests();
    return {
      figure: { requests: asked.length, tries, ratio: round(tries / asked.length, 2) },
      pass: tries <= asked.length * 1.2,
    };
  },
};

export const UPSTREAM_ROWS: readonly Row[] = [kill9, rolling, hung, slow, flapping, allDown, budget];
