/** Routes, exceptions and lines of applications on real frameworks, and beside the bundle's own preload: nothing it finds is missed. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import type { Instrumentation } from '@opentelemetry/instrumentation';
import { describe, expect, it } from 'vitest';
import { INSTRUMENTED_PACKAGES } from '../../../src/telemetry/instrumentation-packages.ts';
import { BUNDLE, installed, NONE, routesOf, run, type Seen } from './rig.ts';

const packages = installed();
const EXPRESS = {
  '/': '/',
  '/users/1': '/users/:id',
  '/multi/1': '/multi/:a',
  '/other/2': '/other/:b',
  '/re/77': String.raw`/^\/re\/(\d+)$/`,
  '/orgs/acme/members/2': '/orgs/:org/members/:m',
  '/orgs/acme': '/orgs/:org',
  '/first/1/item/2': '/first/:one/item/:id',
  '/second/item/3': '/second/item/:id',
  '/third/9/item/3': '/third/:two/item/:id',
  '/mounted/a/x/2': '/mounted/:app/x/:y',
  '/mounted/b/deep/1/z/2': '/mounted/:app/deep/:d/z/:z',
  '/only/5': '/only/:use',
  '/fail': '/fail',
  '/later': '/later',
  '/none': 'none',
};
const COMMON = {
  '/users/1': '/users/:id',
  '/orgs/acme/members/2': '/orgs/:org/members/:m',
  '/fail': '/fail',
  '/none': 'none',
};

interface Case {
  readonly app: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly routes: Readonly<Record<string, string>>;
  /** ES modules that import `node:http` by name escape the bundle's preload. */
  readonly unseenByBundle?: true;
  /** By path. */
  readonly exceptions?: Readonly<Record<string, string>>;
}
const BOOM = { '/fail': 'RangeError' };
const CASES: readonly Case[] = [
  { app: 'express.cjs', env: { EX: 'express4' }, routes: EXPRESS, exceptions: { ...BOOM, '/later': 'TypeError' } },
  { app: 'express.cjs', env: { EX: 'express5' }, routes: EXPRESS, exceptions: { ...BOOM, '/later': 'TypeError' } },
  { app: 'koa.cjs', env: { ROUTER: '@koa/router' }, routes: COMMON, exceptions: BOOM },
  { app: 'koa.cjs', env: { ROUTER: 'koa-router' }, routes: COMMON, exceptions: BOOM },
  { app: 'fastify.cjs', routes: COMMON, exceptions: BOOM },
  {
    app: 'hapi.cjs',
    routes: {
      '/users/1': '/users/{id}',
      '/orgs/acme/members/2': '/orgs/{org}/members/{m}',
      '/fail': '/fail',
      '/none': 'none',
    },
    exceptions: BOOM,
  },
  { app: 'restify.cjs', routes: { '/users/1': '/users/:id', '/fail': '/fail', '/none': 'none' }, exceptions: BOOM },
  {
    app: 'nest.cjs',
    routes: { '/users/1': '/users/:id', '/users/fail': '/users/fail', '/none': 'none' },
    exceptions: { '/users/fail': 'RangeError' },
  },
  { app: 'hono.mjs', unseenByBundle: true, routes: COMMON, exceptions: BOOM },
  { app: 'react-router.mjs', routes: { '/users/1': '/users/:id', '/users/1.data': '/users/:id' } },
  {
    app: 'trpc.cjs',
    routes: {
      '/trpc/user.byId': '/trpc/user.byId',
      '/trpc/fail': '/trpc/fail',
      '/trpc/none': '/trpc',
      '/none': 'none',
      '/': '/',
    },
    exceptions: { '/trpc/fail': 'RangeError' },
  },
  {
    app: 'connect.cjs',
    routes: { '/users/7': '/users', '/admin/deep/9': '/admin/deep', '/fail': '/fail', '/none': 'none' },
    exceptions: BOOM,
  },
  { app: 'polka.cjs', routes: { '/users/1': '/users/:id', '/none': 'none' } },
  {
    app: 'plain.cjs',
    routes: {
      '/users/42': '/users/:id',
      '/assets/app.3f9c.js': '/assets/*.js',
      '/missing/1': 'none',
      '/throws': '/throws',
    },
    exceptions: { '/throws': 'RangeError' },
  },
];

const exceptionsOf = (seen: Seen): Record<string, string> =>
  Object.fromEntries(
    seen.spans
      .filter(({ kind, exceptions }) => kind === 2 && exceptions.length > 0)
      .map(({ attributes, exceptions }) => [String(attributes['url.path']), exceptions.join()]),
  );

describe.skipIf(packages === undefined)('an application on', () => {
  it.each(CASES)(
    '$app $env has templates as routes, exceptions of failed requests, and every route of the bundle',
    async (one) => {
      const { app, env = {}, routes } = one;
      const paths = Object.keys(routes);
      const [ours, theirs] = await Promise.all([
        run(packages!, app, paths, { env }),
        one.unseenByBundle ? undefined : run(packages!, app, paths, { env, preload: BUNDLE }),
      ]);
      expect(routesOf(ours)).toEqual(routes);
      expect(exceptionsOf(ours)).toEqual(one.exceptions ?? {});
      expect(ours.stderr).not.toContain('vitrine:');
      if (theirs === undefined) return;
      const found = Object.entries(routesOf(theirs)).filter(([, route]) => route !== 'none');
      expect(found.filter(([path]) => routesOf(ours)[path] === 'none')).toEqual([]);
      expect(ours.statuses).toEqual(theirs.statuses);
    },
  );

  it('any of them shows its clients the stacks that it shows without the preload', async () => {
    const express = ['/middleware', '/route', '/deep/er'].flatMap((each) => [`/express4${each}`, `/express5${each}`]);
    const paths = [
      ...express,
      'POST /express4/json',
      'POST /express5/json',
      '/connect/mounted',
      '/connect/root',
      '/fastify/route',
      '/fastify/hook',
      'POST /fastify/route',
      '/trpc/fail',
      '/plain/sync',
      'POST /plain/data',
      'POST /plain/end',
    ];
    const [bare, ours] = await Promise.all([
      run(packages!, 'stacks.cjs', paths, { preload: NONE, enough: () => true }),
      run(packages!, 'stacks.cjs', paths),
    ]);
    expect(bare.bodies.filter((body) => !/boom[^]*at /.test(body))).toEqual([]);
    expect(ours.bodies).toEqual(bare.bodies);
    // All but those that answer 200: they show that the errors were seen nevertheless.
    expect(ours.spans.filter(({ kind, exceptions }) => kind === 2 && exceptions.includes('Error'))).toHaveLength(11);
  });

  it('GraphQL has the operation on the span of the request', async () => {
    const seen = await run(packages!, 'graphql.cjs', ['/graphql?query=query+Greet+%7Bhello%7D']);
    const server = seen.spans.find(({ kind }) => kind === 2);
    expect(server).toMatchObject({ name: 'GET /graphql', attributes: { 'graphql.operation.name': 'Greet' } });
    expect(seen.spans.some(({ name }) => name.startsWith('graphql.'))).toBe(true);
  });

  it('any logger has each line recorded once, in its trace', async () => {
    const seen = await run(packages!, 'loggers.cjs', ['/x'], {
      enough: ({ lines, spans }) => lines.length >= 9 && spans.length > 0,
    });
    const trace = seen.spans.find(({ kind }) => kind === 2)?.traceId;
    expect(
      seen.lines.map(({ body, severity }) => `${severity.toUpperCase()} ${body.replace(/^.* - /, '')}`).sort(),
    ).toEqual([
      'ERROR by winston',
      'INFO INFO by stdout',
      'INFO by bunyan',
      'INFO by console',
      'INFO by pino',
      'INFO in two parts',
      'WARN by log4js',
      'WARN by stderr',
      'WARN by winston json',
    ]);
    expect(new Set(seen.lines.map(({ traceId }) => traceId))).toEqual(new Set([trace]));
  });
});

describe('the table of instrumentations', () => {
  it('holds every instrumentation of the bundle and the packages that it patches', () => {
    const bundle = createRequire(import.meta.url).resolve('@opentelemetry/auto-instrumentations-node');
    const require = createRequire(bundle);
    const { dependencies } = JSON.parse(readFileSync(new URL('../package.json', pathToFileURL(bundle)), 'utf8')) as {
      dependencies: Record<string, string>;
    };
    const prefix = '@opentelemetry/instrumentation-';
    const derived = Object.keys(dependencies)
      .filter((name) => name.startsWith(prefix))
      .map((name) => {
        const exported = require(name) as Record<string, new (options: object) => Instrumentation>;
        const Class = exported[Object.keys(exported).find((key) => key.endsWith('Instrumentation')) ?? ''];
        const made = new Class({ enabled: false }) as Instrumentation & {
          getModuleDefinitions?(): { name: string }[];
          _modules?: { name: string }[];
        };
        const modules = made.getModuleDefinitions?.() ?? made._modules ?? [];
        return [name.slice(prefix.length), [...new Set(modules.map((module) => module.name))]] as const;
      });
    expect(Object.fromEntries(derived)).toEqual(INSTRUMENTED_PACKAGES);
  });
});
