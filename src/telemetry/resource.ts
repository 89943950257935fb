/**
 * The sender's resource. It holds no secrets: the command line and its arguments, which the SDK's process detector would
 * add, may hold passwords and are left out even when OTEL_NODE_RESOURCE_DETECTORS asks for that detector.
 */
import { createRequire } from 'node:module';
import os from 'node:os';
import type { Attributes } from '@opentelemetry/api';
import type { Resource, ResourceDetector } from '@opentelemetry/resources';
import {
  defaultResource,
  hostDetector,
  osDetector,
  processDetector,
  resourceFromAttributes,
} from '@opentelemetry/resources';
import type { Logger } from '../base/logger.ts';
import type { Env } from './environment.ts';
import { listOf, textOf } from './environment.ts';

export interface Identity {
  readonly serviceName: string;
  readonly serviceVersion?: string | undefined;
  /** Stable over restarts: `host:port` of the main listener. */
  readonly instanceId: string;
}

const SECRET_HOLDERS = ['process.command', 'process.command_args', 'process.command_line', 'process.owner'];

const withoutCommandLine: ResourceDetector = {
  detect() {
    const { attributes = {} } = processDetector.detect();
    return {
      attributes: Object.fromEntries(Object.entries(attributes).filter(([key]) => !SECRET_HOLDERS.includes(key))),
    };
  },
};

/**
 * Detectors of the bundle that query the environment of the process, some of them over the network; they are loaded only
 * when named.
 */
const OF_BUNDLE: Readonly<Record<string, readonly [suffix: string, ...exports: string[]]>> = {
  container: ['container', 'containerDetector'],
  alibaba: ['alibaba-cloud', 'alibabaCloudEcsDetector'],
  aws: ['aws', 'awsEc2Detector', 'awsEcsDetector', 'awsEksDetector', 'awsBeanstalkDetector', 'awsLambdaDetector'],
  azure: ['azure', 'azureAppServiceDetector', 'azureFunctionsDetector', 'azureVmDetector'],
  gcp: ['gcp', 'gcpDetector'],
};
const LOCAL: Readonly<Record<string, readonly ResourceDetector[]>> = {
  host: [hostDetector],
  os: [osDetector],
  process: [withoutCommandLine],
  // `createResource` does their work.
  env: [],
  serviceinstance: [],
};

function fromBundle(name: string, logger: Logger): readonly ResourceDetector[] {
  const [suffix, ...exports] = OF_BUNDLE[name];
  try {
    const require = createRequire(import.meta.url);
    const bundle = createRequire(require.resolve('@opentelemetry/auto-instrumentations-node'));
    const exported = bundle(`@opentelemetry/resource-detector-${suffix}`) as Record<string, ResourceDetector>;
    return exports.map((each) => exported[each]).filter((detector) => detector !== undefined);
  } catch {
    logger.warn({ detector: name }, `The resource detector "${name}" cannot be loaded and is left out.`);
    return [];
  }
}

/** Detectors by name, as the bundle reads them: `all`, or a list; `none` anywhere in it turns all off. Unset means none. */
export function detectorsFromEnv(env: Env, logger: Logger): ResourceDetector[] {
  const variable = 'OTEL_NODE_RESOURCE_DETECTORS';
  const named = listOf(env, variable);
  const all = named.includes('all');
  if (!all && named.includes('none')) return [];
  const names = all ? [...Object.keys(LOCAL), ...Object.keys(OF_BUNDLE)] : named;
  return names.flatMap((name) => {
    if (Object.hasOwn(LOCAL, name)) return LOCAL[name];
    if (Object.hasOwn(OF_BUNDLE, name)) return fromBundle(name, logger);
    logger.warn({ variable }, `${variable} names "${name}", which is not a known detector and is ignored.`);
    return [];
  });
}

/** `key=value,key=value`, values percent-encoded (Resource SDK specification). A list with one bad entry is ignored completely. */
export function resourceAttributesOf(env: Env, logger: Logger): Attributes {
  const attributes: Attributes = {};
  const text = textOf(env, 'OTEL_RESOURCE_ATTRIBUTES');
  if (text === undefined) return attributes;
  try {
    for (const pair of text.split(',').filter((part) => part.trim() !== '')) {
      const at = pair.indexOf('=');
      if (at <= 0) throw new Error('a part without "="');
      const key = decodeURIComponent(pair.slice(0, at).trim());
      if (key !== '__proto__') attributes[key] = decodeURIComponent(pair.slice(at + 1).trim());
    }
    return attributes;
  } catch (error) {
    logger.warn(
      { variable: 'OTEL_RESOURCE_ATTRIBUTES', reason: String(error) },
      'OTEL_RESOURCE_ATTRIBUTES is not a list of key=value pairs and is ignored.',
    );
    return {};
  }
}

/** The environment's attributes win over ours, and OTEL_SERVICE_NAME over both. */
export function createResource(identity: Identity, env: Env, logger: Logger): Resource {
  const own: Attributes = {
    'service.name': identity.serviceName,
    'service.instance.id': identity.instanceId,
    'host.name': os.hostname(),
    'host.arch': process.arch === 'x64' ? 'amd64' : process.arch,
    'os.type': process.platform === 'win32' ? 'windows' : process.platform,
    'process.pid': process.pid,
    'process.runtime.name': 'nodejs',
    'process.runtime.version': process.versions.node,
  };
  if (identity.serviceVersion !== undefined) own['service.version'] = identity.serviceVersion;
  const named = textOf(env, 'OTEL_SERVICE_NAME');
  return defaultResource()
    .merge(resourceFromAttributes(own))
    .merge(resourceFromAttributes(resourceAttributesOf(env, logger)))
    .merge(resourceFromAttributes(named === undefined ? {} : { 'service.name': named }));
}
