/** Builds the payments service: data directory, account database, cache, server kit. Services may share a directory. */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import type { Clock } from '../base/clock.ts';
import { VitrineError } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import { systemRandom } from '../base/random.ts';
import { Cache } from '../stack/cache/cache.ts';
import { openStore } from '../stack/cache/store/open-store.ts';
import { HealthRegistry } from '../stack/server/health.ts';
import type { ServerTimeouts } from '../stack/server/options.ts';
import { SERVER_LIMITS, SERVER_TIMEOUTS } from '../stack/server/options.ts';
import { createServer } from '../stack/server/server.ts';
import type { ServerTelemetry } from '../stack/server/telemetry.ts';
import { Database } from './database.ts';
import { DEMO_PASSWORD } from './demo-data.ts';
import { Drills, interruptible } from './drills.ts';
import type { Account } from './accounts.ts';
import { Accounts, MIGRATIONS } from './accounts.ts';
import { hashPassword } from './passwords.ts';
import { paymentsRoutes } from './routes.ts';
import { Sessions } from './sessions.ts';
import { openSigningKey } from './tokens.ts';

export interface PaymentsOptions {
  readonly host: string;
  readonly port: number;
  /** Holds `ledger.db` and `signing.key`; created when missing. */
  readonly dataDir: string;
  readonly cacheUrl: string;
  readonly drillToken: string | undefined;
  readonly telemetry: ServerTelemetry;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly timeouts?: Partial<ServerTimeouts>;
}

export interface PaymentsService extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** Finishes open requests, then closes the database. `noticeMs`: how long it still listens, instead of the option. */
  drain(noticeMs?: number): Promise<void>;
}

const ACCOUNT_TTL_MS = 30_000;
const CACHE_BYTES = 16 * 1024 * 1024;
const BUSY_MS = 1_000;
const BODY = { maxBytes: 64 * 1024, idleMs: 10_000 };

/** Resolves once it listens. Throws VitrineError `data_dir_unusable`, `port_taken`, `bind_failed`. */
export async function startPayments(options: PaymentsOptions): Promise<PaymentsService> {
  const { clock, logger, dataDir } = options;
  const drills = new Drills(clock, systemRandom, logger);
  const store = interruptibleStore(options, drills);
  const db = openLedgerFile(options, drills);
  const ledger = new Accounts(db, clock);
  const demoPassword = await hashPassword(DEMO_PASSWORD);
  await ledger.seed(demoPassword);
  const sessions = new Sessions(ledger, openSigningKey(path.join(dataDir, 'signing.key')), demoPassword, clock);
  const accounts = new Cache<Account | readonly Account[]>({ name: 'accounts', store, ttlMs: ACCOUNT_TTL_MS, clock });

  const sizeMb = (): number => Math.round((store.figures().sizeBytes ?? 0) / (1024 * 1024));
  const health = new HealthRegistry(clock, () => ({ cacheSizeMb: sizeMb() }));
  health.add('server', () => ({ status: 'healthy', uptime_seconds: Math.floor(health.uptimeSeconds) }));
  health.add('cache', () => accounts.health());

  const { host, port, telemetry, drillToken } = options;
  const routes = paymentsRoutes({ ledger, sessions, accounts, drills, drillToken, body: BODY, clock });
  const limits = { ...SERVER_LIMITS, maxBodyBytes: BODY.maxBytes };
  const timeouts = { ...SERVER_TIMEOUTS, ...options.timeouts };
  const common = { clock, logger, health, routes, limits, timeouts, healthPrefix: '', accessLog: true };
  const server = createServer({ host, port, telemetry, ...common });
  const close = async (): Promise<void> => {
    await server.close();
    await accounts[Symbol.asyncDispose]();
    db[Symbol.dispose]();
  };
  try {
    const address = await server.listen();
    return {
      ...address,
      async drain(noticeMs) {
        await server.drain(noticeMs);
        await close();
      },
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await accounts[Symbol.asyncDispose]();
    db[Symbol.dispose]();
    throw error;
  }
}

/** A drill can make it fail only where drills are enabled. */
function interruptibleStore({ cacheUrl, drillToken, clock, logger }: PaymentsOptions, drills: Drills) {
  const size = { maxSizeBytes: CACHE_BYTES, maxEntryBytes: CACHE_BYTES };
  const store = openStore({ url: cacheUrl, namespace: 'payments', ...size, clock, logger });
  return drillToken === undefined ? store : interruptible(store, drills);
}

function openLedgerFile({ dataDir, clock }: PaymentsOptions, drills: Drills): Database {
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    const before = (): Promise<void> => drills.beforeDatabase();
    return new Database({
      file: path.join(dataDir, 'ledger.db'),
      migrations: MIGRATIONS,
      busyMs: BUSY_MS,
      clock,
      before,
    });
  } catch (error) {
    throw new VitrineError('data_dir_unusable', `The data directory ${dataDir} cannot be used.`, { cause: error });
  }
}
