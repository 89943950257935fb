/** docker-compose.yml against the part of the specification it uses, and against what its commands and files really are. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { readSettings } from '../../src/app/process/settings.ts';
import { buildProgram } from '../../src/cli/program.ts';
import { composeFaults, composeFile, hostsNamed } from '../support/programs/compose.ts';
import { MOUNTED } from '../support/programs/mounted-files.ts';
import { REPOSITORY } from '../support/programs/vitrine-process.ts';

const text = readFileSync(path.join(REPOSITORY, 'docker-compose.yml'), 'utf8');
const read = (yaml: string): unknown => parse(yaml, { merge: true });
const around = {
  exists: (file: string) => existsSync(path.join(REPOSITORY, file)),
  checksItself: ['vitrine:0.1.0'],
};
const { services } = composeFile.parse(read(text));

/** Environment of a service as the process sees it, `VITRINE_TOKEN` given. */
const environmentOf = (name: string): Record<string, string> =>
  Object.fromEntries(
    Object.entries(services[name].environment ?? {}).map(([key, value]) => [
      key,
      String(value).replace(/\$\{\w+:\?[^}]*\}/g, 'secret'),
    ]),
  );

describe('docker-compose.yml', () => {
  it('holds', () => expect(composeFaults(read(text), around)).toEqual([]));

  it('names no host that is not one of its services', () => {
    for (const [name, each] of Object.entries(services))
      for (const host of hostsNamed(each)) expect(Object.keys(services), `${host} in ${name}`).toContain(host);
  });

  it('has the version of the package on its image', () => {
    const { version } = JSON.parse(readFileSync(path.join(REPOSITORY, 'package.json'), 'utf8')) as { version: string };
    expect(services['monitor'].image).toBe(`vitrine:${version}`);
  });

  it.each(['monitor', 'balancer'])('starts %s with flags and settings that Vitrine knows', (name) => {
    const command = services[name].command ?? [];
    const start = buildProgram(() => {}).commands.find((each) => each.name() === command[0]);
    const { operands, unknown } = start?.parseOptions(command.slice(1)) ?? {};
    expect({ operands, unknown }).toEqual({ operands: [], unknown: [] });
    const settings = readSettings({ file: undefined, env: environmentOf(name) });
    expect(settings.auth.token?.reveal()).toBe('secret');
    if (name === 'balancer') {
      expect(settings.balancer.routes).toHaveLength(1);
      expect(JSON.stringify(settings.balancer.routes)).toMatch(/payments-1.*payments-2/);
      expect(settings.cache.url).toBe('redis://valkey:6379');
      expect(settings.telemetry.monitor).toBe('http://monitor:4318');
    } else {
      expect(settings.monitor.allowed_hosts).toEqual(['monitor']);
    }
  });

  it.each(['payments-1', 'payments-2'])('starts %s with flags that the sample service knows', (name) => {
    const source = readFileSync(path.join(REPOSITORY, 'src/sample/entry.ts'), 'utf8');
    const flags = [...source.matchAll(/^ {4}'?([a-z-]+)'?: \{ type: 'string'/gm)].map((found) => found[1]);
    const options = Object.fromEntries(flags.map((flag) => [flag, { type: 'string' as const }]));
    expect(() => parseArgs({ args: services[name].command, options })).not.toThrow();
    const entry = services[name].entrypoint ?? [];
    for (const file of entry.filter((part) => part.includes('dist/')))
      expect(existsSync(path.join(REPOSITORY, file.replace('dist/', 'src/').replace(/\.js$/, '.ts'))), file).toBe(true);
  });

  it('sets only variables that the programs of this repository read', () => {
    const known = /^(VITRINE_(TOKEN|HEALTH_PORT|HEALTH_PATH|[A-Z]+__[A-Z_]+)|OTEL_[A-Z_]+)$/;
    for (const name of ['monitor', 'balancer', 'payments-1', 'payments-2'])
      for (const key of Object.keys(services[name].environment ?? {})) expect(key).toMatch(known);
    const collector = readFileSync(path.join(REPOSITORY, 'otel-collector/config.yaml'), 'utf8');
    for (const key of Object.keys(services['collector'].environment ?? {}))
      expect(collector).toContain(`\${env:${key}:-`);
  });

  it('mounts exactly the files that are run natively', () => {
    const mounted = Object.values(services).flatMap((each) => (each.volumes ?? []).map((mount) => mount.split(':')[0]));
    expect(new Set(mounted.filter((file) => file.startsWith('.')))).toEqual(new Set(MOUNTED));
  });

  it.each([
    ['a floating tag', (all: string) => all.replace('prom/prometheus:v3.14.0', 'prom/prometheus'), 'not pinned'],
    [
      'a port of all interfaces',
      (all: string) => all.replace('"127.0.0.1:9090:9090"', '"9090:9090"'),
      'not on loopback',
    ],
    [
      'a mount of a file that is not there',
      (all: string) => all.replace('prometheus.yml:/etc', 'prometheus.yaml:/etc'),
      'is not there',
    ],
    ['a mount that can be written', (all: string) => all.replace('config.yaml:ro', 'config.yaml'), 'can be written'],
    ['a volume that is not declared', (all: string) => all.replace('  balancer-data:\n', ''), 'not declared'],
    [
      'a dependency that is not there',
      (all: string) => all.replace('valkey: { condition', 'redis: { condition'),
      'depends on redis',
    ],
    [
      'waiting for the health of what has no check',
      (all: string) =>
        all.replace('monitor: { condition: service_started }', 'collector: { condition: service_healthy }'),
      'no health check',
    ],
    ['a misspelt key', (all: string) => all.replace('restart: unless-stopped', 'restarts: unless-stopped'), 'restarts'],
    ['a port twice', (all: string) => all.replace('127.0.0.1:9093:9093', '127.0.0.1:9090:9093'), 'published twice'],
  ])('%s is found', (_name, breakIt, fault) => {
    const broken = breakIt(text);
    expect(broken).not.toBe(text);
    expect(composeFaults(read(broken), around).join('\n')).toContain(fault);
  });
});
