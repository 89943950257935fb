/** A process that makes random transfers on a shared ledger file. `node transfer-worker.ts FILE SEED COUNT` */
import { setImmediate as turn } from 'node:timers/promises';
import { systemClock } from '../../src/base/clock.ts';
import { VitrineError } from '../../src/base/errors.ts';
import { seededRandom } from '../../src/base/random.ts';
import { Database } from '../../src/sample/database.ts';
import { demoAccount, demoUser } from '../../src/sample/demo-data.ts';
import { Accounts, MIGRATIONS } from '../../src/sample/accounts.ts';

const [file, seedText, countText] = process.argv.slice(2);
const random = seededRandom(Number(seedText));
const pick = (below: number): number => Math.floor(random() * below);
using db = new Database({ file, migrations: MIGRATIONS, busyMs: 5_000, clock: systemClock, before: () => turn() });
const ledger = new Accounts(db, systemClock);
await ledger.seed('x');

const outcomes: Record<string, number> = {};
async function one(number: number): Promise<void> {
  const [from, to] = [pick(4), pick(4)];
  // A key in eight is used again, by this process or the other.
  const key = random() < 0.125 ? `shared-${pick(50)}` : `${seedText}-${number}`;
  const request = {
    id: `tx_${seedText}_${number}`,
    requestedBy: demoUser(from),
    idempotencyKey: key,
    from: demoAccount(from),
    to: demoAccount(to === from ? from + 1 : to),
    amount: 1 + pick(60_000),
  };
  let outcome: string;
  try {
    outcome = (await ledger.transfer(request)).replayed ? 'replayed' : 'completed';
  } catch (error) {
    if (!(error instanceof VitrineError)) throw error;
    outcome = error.code;
  }
  outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
}

const count = Number(countText);
for (let number = 0; number < count; number += 10) {
  await Promise.all(Array.from({ length: 10 }, (_, i) => one(number + i)));
}
process.stdout.write(JSON.stringify(outcomes));
