/**
 * The part of the Compose specification (compose-spec.io) that this repository uses, as a schema that refuses other keys, and
 * rules that a schema cannot express: pins, loopback, mounts, declared names.
 */
import { z } from 'zod';
import { isPinned } from './dockerfile.ts';

const word = z.union([z.string(), z.number()]);
const time = z.string().regex(/^\d+(ms|s|m)$/);
const words = z.array(z.string()).min(1);

const service = z.strictObject({
  build: z.literal('.').optional(),
  image: z.string(),
  init: z.boolean().optional(),
  restart: z.enum(['no', 'always', 'on-failure', 'unless-stopped']).optional(),
  read_only: z.boolean().optional(),
  tmpfs: words.optional(),
  cap_drop: words.optional(),
  security_opt: words.optional(),
  environment: z.record(z.string().regex(/^[A-Z][A-Z0-9_]*$/), word).optional(),
  entrypoint: words.optional(),
  command: words.optional(),
  ports: words.optional(),
  volumes: words.optional(),
  secrets: words.optional(),
  depends_on: z
    .record(
      z.string(),
      z.strictObject({ condition: z.enum(['service_started', 'service_healthy', 'service_completed_successfully']) }),
    )
    .optional(),
  healthcheck: z
    .strictObject({
      test: words,
      interval: time,
      timeout: time,
      retries: z.int().positive(),
      start_period: time.optional(),
    })
    .optional(),
});

export const composeFile = z.looseObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9_-]*$/),
  services: z.record(z.string().regex(/^[a-zA-Z0-9._-]+$/), service),
  volumes: z.record(z.string(), z.null()),
  secrets: z.record(z.string(), z.strictObject({ environment: z.string() })).optional(),
});

export type ComposeFile = z.output<typeof composeFile>;
export type ComposeService = ComposeFile['services'][string];

export interface ComposeSurroundings {
  exists(path: string): boolean;
  /** Images whose Dockerfile has a HEALTHCHECK of its own. */
  readonly checksItself: readonly string[];
}

/** Every mistake; empty when there is none. */
export function composeFaults(input: unknown, around: ComposeSurroundings): string[] {
  const parsed = composeFile.safeParse(input);
  if (!parsed.success) return parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  const { services, volumes, secrets: _secrets, ...others } = parsed.data;
  const faults = Object.keys(others)
    .filter((key) => key !== 'name' && !key.startsWith('x-'))
    .map((key) => `${key} is no section`);
  for (const [name, each] of Object.entries(services)) {
    const say = (what: string): number => faults.push(`${name}: ${what}`);
    if (!isPinned(each.image)) say(`the image ${each.image} is not pinned`);
    for (const port of each.ports ?? [])
      if (!/^127\.0\.0\.1:\d+:\d+$/.test(port)) say(`the port ${port} is not on loopback alone`);
    for (const mount of each.volumes ?? []) mountFaults(mount, volumes, around).forEach(say);
    dependencyFaults(each, services, around).forEach(say);
  }
  return [...faults, ...unusedVolumes(parsed.data), ...portClashes(parsed.data)];
}

function mountFaults(mount: string, volumes: ComposeFile['volumes'], around: ComposeSurroundings): string[] {
  const [source, target, mode] = mount.split(':');
  if (target === undefined || !target.startsWith('/')) return [`the mount ${mount} has no target`];
  if (!source.startsWith('.')) return source in volumes ? [] : [`the volume ${source} is not declared`];
  return [
    ...(around.exists(source) ? [] : [`the mounted file ${source} is not there`]),
    ...(mode === 'ro' ? [] : [`the mount ${mount} can be written`]),
  ];
}

function dependencyFaults(
  each: ComposeService,
  services: ComposeFile['services'],
  around: ComposeSurroundings,
): string[] {
  return Object.entries(each.depends_on ?? {}).flatMap(([other, { condition }]) => {
    if (!(other in services)) return [`it depends on ${other}, which is not there`];
    const checked = services[other].healthcheck !== undefined || around.checksItself.includes(services[other].image);
    return condition === 'service_healthy' && !checked ? [`it waits for ${other}, which has no health check`] : [];
  });
}

function unusedVolumes({ services, volumes }: ComposeFile): string[] {
  const used = Object.values(services).flatMap((each) => (each.volumes ?? []).map((mount) => mount.split(':')[0]));
  return Object.keys(volumes)
    .filter((name) => !used.includes(name))
    .map((name) => `the volume ${name} is used by none`);
}

function portClashes({ services }: ComposeFile): string[] {
  const taken = Object.values(services).flatMap((each) => (each.ports ?? []).map((port) => port.split(':')[1]));
  return taken
    .filter((port, index) => taken.indexOf(port) !== index)
    .map((port) => `the port ${port} is published twice`);
}

/** Host names of URLs and `host:port` texts in the environment and command of a service. */
export function hostsNamed(each: ComposeService): string[] {
  const texts = [...Object.values(each.environment ?? {}).map(String), ...(each.command ?? [])];
  return texts.flatMap((text) =>
    [...text.matchAll(/(?:^|[/,=])([a-z][a-z0-9-]*):\d{2,5}\b/g)].map((found) => found[1]),
  );
}
