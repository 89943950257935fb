import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { writeRunFile } from '../../src/app/process/run-file.ts';
import { seriesText } from '../../src/cli/query.ts';
import { runCommandLine } from '../../src/cli/program.ts';
import { table, visible, visibleLine, visibleLines } from '../../src/cli/output.ts';

const dir = mkdtempSync(path.join(tmpdir(), 'vitrine-cli-'));
const write = (name: string, text: string): string => {
  const file = path.join(dir, name);
  writeFileSync(file, text);
  return file;
};

describe('the command line', () => {
  let out = '';
  let err = '';
  const streams = [process.stdout, process.stderr] as const;
  const originals = streams.map((stream) => stream.write.bind(stream));
  const folder = process.cwd();

  beforeAll(() => process.chdir(dir));
  afterAll(() => process.chdir(folder));
  beforeEach(() => {
    out = '';
    err = '';
    process.stdout.write = (text: string) => ((out += text), true);
    process.stderr.write = (text: string) => ((err += text), true);
  });
  afterEach(() => streams.forEach((stream, at) => (stream.write = originals[at])));

  it('check gives each problem as a record with --json', async () => {
    const file = write('wrong.yaml', 'alerts:\n  - { name: A, metric: error_rate, above: 300% }\n');
    expect(await runCommandLine(['check', '--config', file, '--json'])).toBe(3);
    expect(JSON.parse(out)).toMatchObject({
      ok: false,
      code: 'config_invalid',
      problems: [
        { file, line: 2, column: 43, key: 'alerts[0].above', message: expect.stringContaining('never holds') },
      ],
    });
  });

  it('prints its version and help, and refuses unknown commands', async () => {
    expect(await runCommandLine(['--version'])).toBe(0);
    expect(out).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect(await runCommandLine(['--help'])).toBe(0);
    expect(out).toContain('Exit codes: 0 done');
    expect(await runCommandLine(['strat'])).toBe(2);
    expect(err).toContain('"strat" is no command.\n  Did you mean "vitrine start"? The commands are ');
    err = '';
    expect(await runCommandLine(['elephant'])).toBe(2);
    expect(err).not.toContain('Did you mean');
    expect(await runCommandLine(['top', '--onse'])).toBe(2);
    expect(err).toContain('--once');
    expect(await runCommandLine(['report'])).toBe(2);
    expect(err).toContain('not in this version');
    expect(await runCommandLine(['--export', '--format', 'csv', '--output', 'f.csv'])).toBe(2);
    expect(await runCommandLine(['start', '--listen', 'nowhere'])).toBe(2);
    expect(err).toContain('--listen: "nowhere" is not an address');
    expect(await runCommandLine(['start', '--role', 'king'])).toBe(2);
  });

  it.each([
    [['strat'], 2, '"strat" is no command'],
    [['alerts', 'lst'], 2, '"lst" is no command of "vitrine alerts".\n  Did you mean "vitrine alerts list"? '],
    [['silence', 'lst'], 2, 'Did you mean "vitrine silence list"?'],
    [['targets', 'hsitory', 'a'], 2, 'Did you mean "vitrine targets history"?'],
    [['oncall', 'elephant'], 2, '"elephant" is no command of "vitrine oncall".\n  The commands are '],
    [['load', '--users', '0'], 2, '--users: '],
    [['load', '--url', 'nowhere'], 2, '--url: '],
    [['load', '--rate', 'x'], 2, '--rate: '],
    [['load', '--output', '/nonexistent/x'], 2, '/nonexistent/x cannot be written (ENOENT)'],
    [['load', '--duration', '0.2', '--url', 'http://127.0.0.1:9'], 4, 'Nothing answers at http://127.0.0.1:9'],
    [['query', 'up', '--token-file', 'absent'], 2, '--token-file: absent cannot be read'],
    [['check', '--config', '/dev/zero'], 3, 'larger than 10 MiB'],
    [['start', '--data', '/dev/null'], 1, 'The data directory /dev/null cannot be used (ENOTDIR)'],
    [['start', '--data', '/proc/a/b'], 1, 'The data directory /proc/a/b cannot be used (ENOENT)'],
  ])('says in a sentence what is wrong with %j', async (args, code, said) => {
    expect(await runCommandLine(args)).toBe(code);
    expect(err).toContain(said);
    expect(err).not.toContain('    at ');
  });

  it('checks a configuration', async () => {
    expect(await runCommandLine(['check'])).toBe(0);
    expect(out).toBe('No file: the defaults are used.\n');
    expect(await runCommandLine(['check', '--config', write('good.yaml', 'reports: {}\n')])).toBe(0);
    expect(err).toContain('reports: not used by this version');
    const bad = write('bad.yaml', 'balancer: { listen: 1 }\n');
    expect(await runCommandLine(['check', '--config', bad])).toBe(3);
    expect(err).toContain(`${bad}:1:21 balancer.listen: expected an address`);
    out = '';
    expect(await runCommandLine(['check', '--config', bad, '--json'])).toBe(3);
    expect(JSON.parse(out)).toMatchObject({ ok: false, code: 'config_invalid' });
    expect(await runCommandLine(['check', '--config', 'absent.yaml'])).toBe(3);
    const rules = write('rules.yaml', 'alerts: [{ file: absent-rules.yaml }]\n');
    expect(await runCommandLine(['check', '--config', rules])).toBe(3);
    expect(err).toContain('absent-rules.yaml  the rule file cannot be read (ENOENT)');
  });

  it('prints the schema of the configuration', async () => {
    expect(await runCommandLine(['check', '--schema'])).toBe(0);
    expect(JSON.parse(out)).toHaveProperty('properties.balancer.properties.listen.default', '127.0.0.1:8080');
  });

  it('runs rule tests, and exits 5 when one fails', async () => {
    write('r.yaml', 'groups: [{ name: g, rules: [{ alert: A, expr: up == 0 }] }]\n');
    const test = write(
      't.yaml',
      "rule_files: [r.yaml]\ntests:\n  - interval: 1m\n    input_series: [{ series: up, values: '0 0' }]\n    alert_rule_test: [{ eval_time: 1m, alertname: A, exp_alerts: [{}] }]\n",
    );
    expect(await runCommandLine(['check', '--test-rules', test])).toBe(0);
    expect(out).toContain('t.yaml: SUCCESS');
    const wrong = write(
      'w.yaml',
      "rule_files: [r.yaml]\ntests:\n  - interval: 1m\n    input_series: [{ series: up, values: '1 1' }]\n    alert_rule_test: [{ eval_time: 1m, alertname: A, exp_alerts: [{}] }]\n",
    );
    out = '';
    expect(await runCommandLine(['check', '--test-rules', wrong, '--json'])).toBe(5);
    expect(JSON.parse(out)).toMatchObject({ ok: false });
  });

  it('examines the machine', async () => {
    const server = createServer();
    const port = await new Promise<number>((resolve) =>
      server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port)),
    );
    const config = write(
      'ports.yaml',
      `balancer: { listen: '127.0.0.1:${port}' }\nmonitor: { listen: '127.0.0.1:0', otlp_http: '127.0.0.1:0', otlp_grpc: '127.0.0.1:0' }\n`,
    );
    expect(await runCommandLine(['doctor', '--config', config, '--json'])).toBe(5);
    const { findings } = JSON.parse(out) as { findings: { what: string; ok: boolean; found: string }[] };
    expect(findings.find(({ what }) => what === 'port balancer')).toMatchObject({
      ok: false,
      found: expect.stringContaining('EADDRINUSE'),
    });
    expect(findings.find(({ what }) => what === 'port monitor')?.ok).toBe(true);
    server.close();
    out = '';
    expect(await runCommandLine(['doctor', '--config', write('broken.yaml', 'nope: 1\n')])).toBe(5);
    expect(out).toContain('FAIL  configuration');
  });

  describe('against a server', () => {
    let server: Server;
    let url = '';
    let status = 200;
    const asked: { path: string; authorization: string | undefined; body: string }[] = [];
    beforeAll(async () => {
      server = createServer((request, response) => {
        let body = '';
        request.on('data', (chunk: Buffer) => (body += chunk.toString()));
        request.on('end', () => {
          asked.push({ path: request.url ?? '', authorization: request.headers.authorization, body });
          response.writeHead(status, { 'content-type': 'application/json' }).end('{"detail":"no","hint":"try"}');
        });
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      url = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
    });
    afterAll(() => server.close());
    afterEach(() => {
      status = 200;
      asked.length = 0;
    });

    it('loads a URL and checks thresholds against the result', async () => {
      const output = path.join(dir, 'result.json');
      const load = (...more: string[]): Promise<number> =>
        runCommandLine([
          'load',
          '--scenario',
          'get',
          '--url',
          `${url}/`,
          '--users',
          '2',
          '--duration',
          '250ms',
          '--output',
          output,
          ...more,
        ]);
      expect(await load('--max-error-ratio', '1%', '--max-p95', '10s')).toBe(0);
      const result = JSON.parse(readFileSync(output, 'utf8')) as { totals: { requests: number; failed: number } };
      expect(result.totals.requests).toBeGreaterThan(2);
      expect(result.totals.failed).toBe(0);
      status = 500;
      expect(await load('--max-error-ratio', '1%')).toBe(5);
      expect(err).toContain('error ratio 1.0000 is above 0.01');
      expect(await load('--max-p95', 'soon')).toBe(2);
      expect(await runCommandLine(['load', '--url', 'ftp://x'])).toBe(2);
    });

    it('drills the sample services that run on a data directory', async () => {
      expect(await runCommandLine(['drill', 'latency', '--data', dir])).toBe(4);
      writeRunFile(dir, { pid: 1, services: [], drillToken: undefined });
      expect(await runCommandLine(['drill', 'latency', '--data', dir])).toBe(5);
      writeRunFile(dir, { pid: 1, services: [{ name: 'payments-1', url, pid: 1 }], drillToken: 'token' });
      expect(await runCommandLine(['drill', 'latency', '--for', '3s', '--data', dir, '--json'])).toBe(0);
      expect(JSON.parse(out)).toEqual({ drill: 'latency', services: ['payments-1'], for_ms: 3_000 });
      expect(asked.at(-1)).toMatchObject({ path: '/internal/drill', authorization: 'Bearer token' });
      status = 403;
      expect(await runCommandLine(['drill', 'errors', '--data', dir])).toBe(5);
      expect(await runCommandLine(['drill', 'errors', '--for', '1h', '--data', dir])).toBe(2);
      expect(await runCommandLine(['drill', 'sleep', '--data', dir])).toBe(2);
    });

    it('prints the reason when a server refuses', async () => {
      status = 401;
      expect(await runCommandLine(['query', 'up', '--url', url])).toBe(1);
      expect(err).toContain('requires a token');
      status = 422;
      expect(await runCommandLine(['query', 'up', '--url', url, '--token-file', write('token', 'abc\n')])).toBe(1);
      expect(err).toContain('no\n  try');
      expect(asked.at(-1)?.authorization).toBe('Bearer abc');
    });
  });
});

describe('text from outside', () => {
  it('prints control characters in a visible form', () => {
    expect(visible('a\u001b[2J\u2028b\n')).toBe('a\\u001b[2J\\u2028b\n');
    expect(seriesText({ __name__: 'up' })).toBe('up');
    expect(seriesText({ __name__: 'a', b: '"' })).toBe('a{b="\\""}');
    expect(seriesText({})).toBe('{}');
    expect(visibleLine('a\n\tb\u202e')).toBe('a\\n\\tb\\u202e');
    expect(visibleLines('a\nb\u001b[2J\nc')).toBe('a\n    b\\u001b[2J\n    c');
  });

  it('stays in its cell of a table, whose columns are as wide as a terminal shows them', () => {
    const rows = [
      ['a\nb', '1'],
      ['日本', '22'],
    ];
    expect(table(['name', 'n'], rows, [1])).toBe('name   n\na\\nb   1\n日本  22');
  });
});
