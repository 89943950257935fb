/** The sample services behind the balancer: one process for each address, with one data directory, under the `register` preload like a user's service. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/logger.ts';
import { randomHex } from '../../base/random.ts';
import type { Address } from '../../config/types.ts';
import { Child } from '../process/child.ts';
import { childEnvironment } from '../process/child-environment.ts';
import { heapFlags, LEAN_MALLOC, SERVICE_HEAP } from '../process/lean-heap.ts';
import { PATIENT_COMPILER } from '../process/patient-compiler.ts';
import { REGISTER_PRELOAD, SAMPLE_PROGRAM } from '../process/program-paths.ts';
import type { RunningService } from '../process/run-file.ts';
import { localUrl } from '../process/settings.ts';

const STOP_LIMIT_MS = 10_000;

export interface SampleServicesOptions {
  readonly addresses: readonly Address[];
  readonly dataDir: string;
  readonly env: NodeJS.ProcessEnv;
  /** OTLP/HTTP address of the monitor. */
  readonly monitorUrl: string;
  /** Time between two collections for the monitor. */
  readonly intervalMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Called after a process was started or restarted, because its pid has changed. */
  readonly onChange: () => void;
}

/** The token of the directory. It is created only when there is none: services that already run here must keep theirs. */
function tokenIn(file: string): string {
  try {
    const known = readFileSync(file, 'utf8').trim();
    if (/^[0-9a-f]{32}$/.test(known)) return known;
  } catch {
    // The first start on this directory.
  }
  const made = randomHex(16);
  writeFileSync(file, made, { mode: 0o600 });
  return made;
}

export class SampleServices {
  readonly drillToken: string;
  readonly #options: SampleServicesOptions;
  readonly #children: Child[];
  /** A file, because every user of the machine can read command lines. */
  readonly #tokenFile: string;

  constructor(options: SampleServicesOptions) {
    this.#options = options;
    const dir = path.join(options.dataDir, 'sample');
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    this.#tokenFile = path.join(dir, 'drill.token');
    this.drillToken = tokenIn(this.#tokenFile);
    this.#children = options.addresses.map((at, index) => this.#start(at, `payments-${index + 1}`, dir));
  }

  list(): RunningService[] {
    return this.#children.map((child, index) => ({
      name: `payments-${index + 1}`,
      url: localUrl(this.#options.addresses[index]),
      pid: child.pid ?? 0,
    }));
  }

  /** Call it after the balancer has stopped sending requests. */
  async stop(): Promise<void> {
    await Promise.all(this.#children.map((child) => child.stop(STOP_LIMIT_MS, { kind: 'end' })));
  }

  #start(at: Address, name: string, dir: string): Child {
    const { dataDir, env, monitorUrl, intervalMs, clock, logger, onChange } = this.#options;
    return new Child({
      name,
      module: SAMPLE_PROGRAM,
      args: [
        '--host',
        at.host,
        '--port',
        String(at.port),
        '--data',
        dir,
        '--drill-token-file',
        this.#tokenFile,
        // The console shows only warnings and errors; the files and the page have all lines.
        '--logs',
        path.join(dataDir, 'logs'),
        '--name',
        name,
        '--console-level',
        'warn',
      ],
      execArgv: [...heapFlags(SERVICE_HEAP), ...PATIENT_COMPILER, '--import', pathToFileURL(REGISTER_PRELOAD).href],
      env: childEnvironment(
        { ...LEAN_MALLOC, ...env },
        {
          PORT: String(at.port),
          OTEL_SERVICE_NAME: 'payments',
          VITRINE_TELEMETRY__MONITOR: monitorUrl,
          VITRINE_TELEMETRY__INTERVAL: `${intervalMs}ms`,
          // Its own logger already sends lines to OpenTelemetry; an instrumented pino would send each line twice.
          OTEL_NODE_DISABLED_INSTRUMENTATIONS: [env['OTEL_NODE_DISABLED_INSTRUMENTATIONS'], 'pino']
            .filter((names) => names !== undefined && names !== '')
            .join(','),
        },
      ),
      clock,
      logger,
      onMessage: onChange,
      onExit: onChange,
    });
  }
}
