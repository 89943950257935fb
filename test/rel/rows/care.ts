/** Rows A3 and A24: the balancer itself is reloaded and replaced, and everything around it dies. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as time } from 'node:timers/promises';
import { freshDir } from '../../support/program.ts';
import { startVitrine } from '../../support/programs/vitrine-process.ts';
import { until } from '../../support/until.ts';
import { failed, load, meanwhile } from '../load.ts';
import type { Row } from '../row.ts';
import { stage } from '../stage.ts';

const reload: Row = {
  id: 'A3',
  name: 'lb-reload',
  goal: 'six reloads and two replacements of the process: 0 failed of 3,000, half of them on new connections',
  async run() {
    await using it = await stage(3);
    const turns: string[] = [];
    const asked = await meanwhile(load(it.url, { rate: 150, seconds: 26, fresh: 2 }), 3_000, async (at) => {
      if (at % 4 === 3) {
        it.balancer.child.kill('SIGUSR2');
        turns.push('replaced');
      } else {
        it.reload({ timeouts: { first_byte: `${30 + at}s` } });
        turns.push('reloaded');
      }
    });
    const count = (what: string): number => turns.filter((turn) => turn === what).length;
    return {
      figure: {
        requests: asked.length,
        failed: failed(asked),
        reloads: count('reloaded'),
        replacements: count('replaced'),
      },
      pass: asked.length >= 3_000 && failed(asked) === 0 && count('reloaded') >= 5 && count('replaced') >= 2,
    };
  },
};

/** Child processes of `pid` whose command line contains `text`. */
function childrenOf(pid: number, text: string): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .trim()
    .split(' ')
    .filter(Boolean)
    .map(Number);
  return children.filter((child) => {
    try {
      return readFileSync(`/proc/${child}/cmdline`, 'utf8').includes(text);
    } catch {
      return false;
    }
  });
}

const stability: Row = {
  id: 'A24',
  name: 'static-stability',
  goal: 'the monitor is stopped and killed, its exporter has no peer: 0 failed of 5,000',
  async run() {
    await using origins = await stage(1);
    const config = path.join(freshDir('rel'), 'vitrine.json');
    writeFileSync(config, JSON.stringify({ balancer: { upstreams: [origins.origins[0].url] } }));
    await using it = await startVitrine({
      command: ['start', '--config', config],
      env: { OTEL_TRACES_EXPORTER: 'otlp', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' },
    });
    const monitors = (): number[] => childrenOf(it.child.pid ?? 0, 'monitor');
    let [killed, stopped] = [0, 0];
    const url = `http://127.0.0.1:${it.ports.balancer}/`;
    const asked = await meanwhile(load(url, { rate: 250, seconds: 21 }), 3_000, async (at) => {
      for (const pid of monitors()) {
        if (at % 2 === 0) {
          process.kill(pid, 'SIGSTOP');
          stopped += 1;
          await time(1_000);
        }
        process.kill(pid, 'SIGKILL');
        killed += 1;
      }
    });
    await until(() => monitors().length > 0, 30_000);
    return {
      figure: { requests: asked.length, failed: failed(asked), killed, stopped },
      pass: asked.length >= 5_000 && failed(asked) === 0 && killed >= 2 && stopped >= 1,
    };
  },
};

export const CARE_ROWS: readonly Row[] = [reload, stability];
