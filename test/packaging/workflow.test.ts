/** The workflow runs what the README tells people to run, and nothing that is not pinned. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { shellLines } from '../support/docs/readme-commands.ts';
import { REPOSITORY } from '../support/programs/vitrine-process.ts';

const read = (file: string): string => readFileSync(path.join(REPOSITORY, file), 'utf8');
const text = read('.github/workflows/ci.yml');
const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };

const step = z.strictObject({
  name: z.string().optional(),
  uses: z.string().optional(),
  with: z.record(z.string(), z.union([z.string(), z.boolean()])).optional(),
  run: z.string().optional(),
});
const workflow = z.strictObject({
  name: z.string(),
  on: z.strictObject({ push: z.object({ branches: z.array(z.string()) }), pull_request: z.null() }),
  permissions: z.strictObject({ contents: z.literal('read') }),
  concurrency: z.strictObject({ group: z.string(), 'cancel-in-progress': z.boolean() }),
  jobs: z.record(
    z.string(),
    z.strictObject({
      'runs-on': z.string().regex(/^ubuntu-\d\d\.04$/),
      'timeout-minutes': z.int().max(60),
      strategy: z
        .strictObject({ 'fail-fast': z.boolean(), matrix: z.record(z.string(), z.array(z.string())) })
        .optional(),
      steps: z.array(step).min(1),
    }),
  ),
});

/** Every mistake; empty when there is none. */
function faultsOf(yaml: string): string[] {
  const parsed = workflow.safeParse(parse(yaml));
  if (!parsed.success) return parsed.error.issues.map(({ path: at, message }) => `${at.join('.')}: ${message}`);
  const steps = Object.values(parsed.data.jobs).flatMap((job) => job.steps);
  const runs = steps.map(({ run }) => run ?? '').join('\n');
  const promised = shellLines(read('README.md')).filter((line) => line.startsWith('npm ci'));
  return [
    ...steps
      .filter(({ uses, run }) => (uses === undefined) === (run === undefined))
      .map(() => 'a step neither uses nor runs, or both'),
    ...steps
      .filter(({ uses }) => uses !== undefined && !/^[\w-]+\/[\w-]+@[0-9a-f]{40}$/.test(uses))
      .map(({ uses }) => `${uses} is not pinned to a commit`),
    ...promised.filter((line) => !runs.includes(line)).map((line) => `the README's "${line}" is not run`),
    ...[...runs.matchAll(/npm run ([\w:]+)/g)]
      .filter(([, name]) => !(name in scripts))
      .map(([, name]) => `there is no script ${name}`),
    ...[...runs.matchAll(/(?:^| )(\.ci\/\w+)/gm)]
      .filter(([, file]) => !existsSync(path.join(REPOSITORY, file)))
      .map(([, file]) => `${file} is not there`),
    ...[...runs.matchAll(/\$\{\{/g)].map(() => 'an expression in a shell line can be injected into'),
  ];
}

describe('the workflow', () => {
  it('holds, and runs the commands of the README', () => {
    expect(shellLines(read('README.md'))).toEqual(
      expect.arrayContaining(['npm ci && npm start', 'npm ci && npm test']),
    );
    expect(faultsOf(text)).toEqual([]);
  });

  it.each([
    ['an action by tag', (all: string) => all.replace(/checkout@\w{40}/, 'checkout@v4'), 'not pinned'],
    [
      'another test command',
      (all: string) => all.replace('npm ci && npm test', 'npm install && npm test'),
      '"npm ci && npm test" is not run',
    ],
    [
      'another start command',
      (all: string) => all.replace('npm ci && npm start', 'npm ci && npm run start'),
      '"npm ci && npm start" is not run',
    ],
    ['a script that is not there', (all: string) => all.replace('check:unused', 'check:dead'), 'no script check:dead'],
    ['more rights', (all: string) => all.replace('contents: read', 'contents: write'), 'permissions.contents'],
    ['a misspelt key', (all: string) => all.replace('timeout-minutes', 'timeout_minutes'), 'timeout'],
    [
      'an injected expression',
      (all: string) => all.replace('run: npm ci && npm test', 'run: echo "${{ github.head_ref }}"; npm ci && npm test'),
      'injected',
    ],
  ])('%s is found', (_name, breakIt, fault) => {
    const broken = breakIt(text);
    expect(broken).not.toBe(text);
    expect(faultsOf(broken).join('\n')).toContain(fault);
  });
});
