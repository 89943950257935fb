/** `OTEL_CONFIG_FILE` in a process of Vitrine's own. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { freshDir, startProgram, type Program } from '../../support/program.ts';
import { freePort, MAIN } from '../../support/programs/vitrine-process.ts';
import { until } from '../../support/until.ts';
import { startCollector } from '../../telemetry/collector.ts';

async function balancer(dir: string, yaml: string): Promise<{ readonly program: Program; readonly url: string }> {
  const port = await freePort();
  const [config, file] = [path.join(dir, 'vitrine.yaml'), path.join(dir, 'otel.yaml')];
  writeFileSync(config, `balancer: { listen: "127.0.0.1:${port}", upstreams: ["http://127.0.0.1:9"] }\n`);
  writeFileSync(file, yaml);
  const program = startProgram(
    process.execPath,
    [MAIN, 'start', '--role', 'balancer', '-c', config, '--data', path.join(dir, 'data')],
    {
      ownDir: dir,
      // The file decides; a variable that it replaces has no effect.
      env: { OTEL_CONFIG_FILE: file, OTEL_TRACES_EXPORTER: 'nobody-knows-this' },
    },
  );
  const url = `http://127.0.0.1:${port}/`;
  await until(
    () =>
      fetch(url)
        .then(() => true)
        .catch(() => undefined),
    60_000,
    () => program.output(),
  );
  return { program, url };
}

describe('a declarative configuration', { timeout: 90_000 }, () => {
  it('sets up the exporters of the balancer, which keeps its name, and the rest is named', async () => {
    const collector = await startCollector();
    const { program } = await balancer(
      freshDir('otel-file'),
      `file_format: "1.0"
resource: { attributes: [ { name: service.name, value: theirs }, { name: team, value: blue } ] }
tracer_provider:
  processors: [ { batch: { schedule_delay: 50, exporter: { otlp_http: { endpoint: "${collector.url}/from/file", encoding: json } } } } ]
meter_provider:
  readers: [ { periodic: { exporter: { console: } } } ]
  views: [ { selector: { instrument_name: x }, stream: { name: y } } ]
`,
    );
    try {
      const body = await until(
        () => collector.bodies.find((each) => each.path === '/from/file')?.body.toString(),
        60_000,
        () => program.output(),
      );
      expect(body).toContain('{"key":"service.name","value":{"stringValue":"vitrine-balancer"}}');
      expect(body).toContain('{"key":"team","value":{"stringValue":"blue"}}');
      expect(program.output()).toContain('meter_provider.views.selector.instrument_name');
    } finally {
      await program[Symbol.asyncDispose]();
      await collector.close();
    }
  });

  it('with a mistake is said, and traffic is served', async () => {
    const { program, url } = await balancer(freshDir('otel-file'), 'file_format: "0.4"\n');
    try {
      expect(program.output()).toContain('OTEL_CONFIG_FILE is not used');
      expect([502, 503]).toContain((await fetch(url)).status);
    } finally {
      await program[Symbol.asyncDispose]();
    }
  });
});
