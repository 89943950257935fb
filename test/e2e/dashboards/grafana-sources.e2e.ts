/**
 * Queries the provisioned data sources as Grafana does. Each address of compose is mapped to the program that listens there,
 * started natively, which gets the path, method, Host and token that Grafana's proxy would send. Grafana itself is in no
 * registry that tests may use.
 */
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { DASHBOARDS } from '../../../src/dashboards/all.ts';
import { composeFile } from '../../support/programs/compose.ts';
import { startJaeger, startPrometheus, type Jaeger } from '../../support/programs/observability-programs.ts';
import { missingPrograms, type Server } from '../../support/program.ts';
import { until } from '../../support/until.ts';
import { REPOSITORY, startVitrine, type Vitrine } from '../../support/programs/vitrine-process.ts';
import { prometheusConfig } from '../../support/programs/whole-picture.ts';

const read = (file: string): string => readFileSync(path.join(REPOSITORY, file), 'utf8');
const { services } = composeFile.parse(parse(read('docker-compose.yml'), { merge: true }));
const PROVISIONED = read('deploy/grafana/provisioning/datasources/vitrine.yaml');
const TOKEN = 'a-token-of-the-test';

const file = z.object({
  datasources: z.array(
    z.object({
      name: z.string(),
      uid: z.string(),
      type: z.string(),
      url: z.url(),
      jsonData: z.object({ httpMethod: z.string().optional(), httpHeaderName1: z.string().optional() }).optional(),
      secureJsonData: z.object({ httpHeaderValue1: z.string() }).optional(),
    }),
  ),
});
type Source = z.infer<typeof file>['datasources'][number];

/** The status of an answer and the kind of its data. */
function shapeOf(body: string): unknown {
  const { status, data, errorType } = JSON.parse(body) as { status: string; data?: unknown; errorType?: string };
  const kind = Array.isArray(data) ? 'list' : typeof data;
  return { status, errorType, kind, parts: kind === 'object' && !isByName(data) ? Object.keys(data ?? {}).sort() : [] };
}

/** Metadata and build information have different keys in each program. */
const isByName = (data: unknown): boolean =>
  typeof data === 'object' && data !== null && !('groups' in data || 'alerts' in data);

interface Reply {
  readonly status: number;
  readonly body: string;
}

describe.skipIf(missingPrograms('data sources of Grafana', 'prometheus', 'jaeger').length > 0)(
  'data sources of Grafana',
  () => {
    let vitrine: Vitrine;
    let prometheus: Server;
    let jaeger: Jaeger;
    /** The native address of host:port in compose. */
    let natives: ReadonlyMap<string, string>;

    beforeAll(async () => {
      const environment = services['monitor'].environment ?? {};
      vitrine = await startVitrine({
        env: {
          VITRINE_TOKEN: TOKEN,
          VITRINE_MONITOR__ALLOWED_HOSTS: String(environment['VITRINE_MONITOR__ALLOWED_HOSTS']),
        },
        ready: false,
      });
      await until(
        async () => (await fetch(`${vitrine.monitor}/readyz`)).ok || undefined,
        30_000,
        () => vitrine.output(),
      );
      const monitor = vitrine.monitor.replace('http://', '');
      jaeger = await startJaeger();
      prometheus = await startPrometheus({
        config: prometheusConfig({
          'collector:8889': monitor,
          'monitor:4000': monitor,
          'alertmanager:9093': monitor,
          '/run/secrets/vitrine_token': path.join(REPOSITORY, 'package.json'),
          '/etc/prometheus/rules': path.join(REPOSITORY, 'rules'),
        }),
      });
      // The port inside, of what compose publishes.
      const inside = (name: string): string => `${name}:${services[name].ports?.[0]?.split(':').at(-1)}`;
      natives = new Map([
        [inside('monitor'), vitrine.monitor],
        [inside('prometheus'), prometheus.url],
        [inside('jaeger'), jaeger.query],
      ]);
    }, 90_000);
    afterAll(async () => {
      await prometheus?.[Symbol.asyncDispose]();
      await jaeger?.[Symbol.asyncDispose]();
      await vitrine?.[Symbol.asyncDispose]();
    });

    /** A request of Grafana's proxy for a data source: its address is the Host, its header goes with it. */
    function ask(source: Source, method: string, target: string, form?: URLSearchParams): Promise<Reply> {
      const { host } = new URL(source.url);
      const native = natives.get(host);
      if (native === undefined) return Promise.reject(new Error(`nothing listens on ${host}`));
      const name = source.jsonData?.httpHeaderName1;
      const value = source.secureJsonData?.httpHeaderValue1.replaceAll(/\$(?:\{(\w+)\}|(\w+))/g, (_, one, two) =>
        (services['grafana'].environment ?? {})[one ?? two] === undefined ? '' : TOKEN,
      );
      return new Promise((resolve, reject) => {
        const asked = request(
          new URL(target, native),
          {
            method,
            headers: {
              host,
              ...(form === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
              ...(name === undefined || value === undefined ? {} : { [name]: value }),
            },
          },
          (response) => {
            let body = '';
            response.on('data', (chunk: Buffer) => (body += chunk.toString()));
            response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
          },
        );
        asked.on('error', reject);
        asked.end(form?.toString());
      });
    }

    /** The request of the plug-in for "Save & test", and the answer that it needs. */
    async function test(source: Source): Promise<Reply> {
      if (source.type === 'jaeger') return ask(source, 'GET', '/api/services');
      const method = source.jsonData?.httpMethod ?? 'GET';
      return ask(source, method, '/api/v1/query', new URLSearchParams({ query: '1+1' }));
    }

    const expected: Readonly<Record<string, RegExp>> = {
      prometheus: /^\{"status":"success","data":\{"resultType":"scalar","result":\[[\d.]+,"2"\]/,
      jaeger: /^\{"data":(?:\[.*\]|null),"total":/,
    };

    async function faultsOf(text: string): Promise<string[]> {
      const { datasources } = file.parse(parse(text));
      const found = await Promise.all(
        datasources.map(async (source) => {
          try {
            const { status, body } = await test(source);
            if (status !== 200) return `${source.name} answers ${status}`;
            return expected[source.type]?.test(body) === true ? '' : `${source.name} says ${body.slice(0, 100)}`;
          } catch (error) {
            return `${source.name}: ${error instanceof Error ? error.message : String(error)}`;
          }
        }),
      );
      return found.filter((fault) => fault !== '');
    }

    it('answer the test request of Grafana', async () => expect(await faultsOf(PROVISIONED)).toEqual([]));

    it('answer the queries of a dashboard', async () => {
      const { datasources } = file.parse(parse(PROVISIONED));
      const now = Math.floor(Date.now() / 1_000);
      for (const source of datasources.filter(({ type }) => type === 'prometheus'))
        for (const { expr } of DASHBOARDS[0].panels.flatMap(({ queries }) => queries)) {
          const form = new URLSearchParams({ query: expr, start: String(now - 60), end: String(now), step: '15' });
          const { status, body } = await ask(source, 'POST', '/api/v1/query_range', form);
          expect([status, body.slice(0, 60)], `${source.name}: ${expr}`).toEqual([
            200,
            expect.stringContaining('{"status":"success","data":{"resultType":"matrix"'),
          ]);
        }
    });

    /** Requests of the plug-in besides the queries of panels: on load, in the editor, for variables and for the list of alerts. */
    it('answer everything else that Grafana asks, in the shape that Prometheus has', async () => {
      const nowMs = Date.now();
      const minute = Math.floor(nowMs / 60_000) * 60;
      const range = `limit=40000&start=${minute - 3_600}&end=${minute + 60}`;
      const asked: readonly (readonly [method: string, target: string, form?: string])[] = [
        ['GET', '/api/v1/status/buildinfo'],
        ['GET', '/api/v1/rules'],
        // In milliseconds, as it has it: it must not fail.
        ['GET', `/api/v1/query_exemplars?query=test&start=${nowMs - 1_000}&end=${nowMs}`],
        ['GET', `/api/v1/label/__name__/values?${range}`],
        ['POST', '/api/v1/labels', range],
        ['GET', '/api/v1/metadata?limit=40000'],
        ['GET', `/api/v1/label/job/values?match%5B%5D=up&${range}`],
        ['GET', `/api/v1/series?match%5B%5D=%7B__name__%21%3D%22%22%7D&${range}`],
        ['GET', '/api/v1/alerts'],
        ['GET', '/api/v1/query_range?query=sum%28&start=0&end=1&step=1'],
      ];
      const sources = file.parse(parse(PROVISIONED)).datasources.filter(({ type }) => type === 'prometheus');
      expect(sources.map(({ name }) => name)).toEqual(['Prometheus', 'Vitrine']);
      for (const [method, target, form] of asked) {
        const [theirs, ours] = await Promise.all(
          sources.map((source) =>
            ask(source, method, target, form === undefined ? undefined : new URLSearchParams(form)),
          ),
        );
        expect([ours.status, shapeOf(ours.body)], target).toEqual([theirs.status, shapeOf(theirs.body)]);
      }
      const { body } = await ask(sources[1], 'GET', '/api/v1/status/buildinfo');
      const { data } = JSON.parse(body) as { data: { version: string; features?: object } };
      // With features it would be taken for Mimir, and asked for rules that it can write.
      expect(data.features).toBeUndefined();
      expect(data.version).toMatch(/^[3-9]\.\d+\.\d+$/);
    });

    it.each([
      ['another port', 'monitor:4000', 'monitor:4001', 'nothing listens on monitor:4001'],
      ['another host', 'http://jaeger', 'http://tempo', 'nothing listens on tempo:16686'],
      ['another program', 'http://jaeger:16686', 'http://prometheus:9090', 'Jaeger answers 404'],
      ['no token', 'httpHeaderName1: Authorization', 'httpHeaderName2: Authorization', 'Vitrine answers 401'],
      ['a variable that Grafana is not given', 'Bearer $VITRINE_TOKEN', 'Bearer $TOKEN', 'Vitrine answers 401'],
    ])('%s is found', async (_what, from, to, fault) => {
      const broken = PROVISIONED.replace(from, to);
      expect(broken).not.toBe(PROVISIONED);
      expect((await faultsOf(broken)).join('\n')).toContain(fault);
    });
  },
);
