/** Logs far more than a pipe holds while nobody reads, then ends; a blocked process would never get there. */
import { createLogs } from '../../../src/telemetry/logs/logs.ts';

const logs = createLogs({ level: 'info', console: { kind: 'json', out: process.stdout } });
for (let i = 0; i < 20_000; i += 1) logs.logger.info({ text: 'x'.repeat(200) }, 'line');
setImmediate(() => process.exit(logs.dropped() > 0 ? 0 : 1));
