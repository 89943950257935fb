/**
 * TLS towards clients beside nginx: `node test/bench/balancer-tls.ts [rounds] [seconds]`. CPU time of a request on connections
 * that stay open, and of a request with a connection and a whole handshake of its own. Both proxies have the same certificate
 * and are pinned to CPU 0; wrk and the upstream (nginx, 1 KB JSON) to CPU 1. Contestants take turns. The figures are printed
 * as measured, without a goal. Needs nginx, wrk and taskset.
 */
import path from 'node:path';
import { accepts } from '../support/http/raw-http.ts';
import { middle } from '../support/quantile.ts';
import { until } from '../support/until.ts';
import { cpuUs, nginxProxy, nginxVersion, Race, wrk } from './processes/race.ts';

const ROUNDS = Number(process.argv[2] ?? 15);
const SECONDS = Number(process.argv[3] ?? 2);
const WARM_SECONDS = 5;
const BASE_PORT = Number(process.env.BENCH_PORT ?? 21490);
const TLS = path.resolve(import.meta.dirname, '../fixtures/tls');
const [cert, key] = [path.join(TLS, 'cert.pem'), path.join(TLS, 'key.pem')];

const race = new Race();
race.startUpstream(BASE_PORT);
const [nginxPort, plainPort, tlsPort] = [BASE_PORT + 1, BASE_PORT + 2, BASE_PORT + 3];
const tls = `ssl_certificate ${cert}; ssl_certificate_key ${key}; ssl_protocols TLSv1.2 TLSv1.3;`;
const nginx = race.nginxConfig('proxy.conf', nginxProxy(`127.0.0.1:${nginxPort} ssl`, BASE_PORT, tls));
const program = path.join(import.meta.dirname, 'processes/balancer-process.ts');
const args = [String(plainPort), `http://127.0.0.1:${BASE_PORT}`, 'full', String(tlsPort), cert, key];
const racers = [
  { name: 'nginx', port: nginxPort, pid: race.start(0, ['nginx', '-c', nginx]).pid ?? 0 },
  { name: 'vitrine', port: tlsPort, pid: race.start(0, [process.execPath, program, ...args]).pid ?? 0 },
].map((one) => ({
  ...one,
  url: `https://127.0.0.1:${one.port}/users/42`,
  kept: [] as number[],
  fresh: [] as number[],
}));
try {
  await until(() => accepts(BASE_PORT));
  for (const { port, url } of racers) {
    await until(() => accepts(port));
    await wrk(url, WARM_SECONDS);
  }
  for (let round = 0; round < ROUNDS; round += 1)
    for (const [into, fields] of [
      ['kept', []],
      ['fresh', ['Connection: close']],
    ] as const)
      for (const racer of racers) {
        const before = cpuUs(racer.pid);
        const { requests } = await wrk(racer.url, SECONDS, fields);
        racer[into].push((cpuUs(racer.pid) - before) / requests);
      }
  console.log(`node ${process.version}, ${nginxVersion()}, ${ROUNDS} rounds of ${SECONDS} s; median (10 %–90 %)`);
  const [peer, own] = racers;
  for (const [into, what] of [
    ['kept', 'open connections'],
    ['fresh', 'a handshake a request'],
  ] as const) {
    const ratio = own[into].map((us, round) => peer[into][round] / us);
    console.log(
      `${what.padEnd(22)} nginx ${middle(peer[into], 1)} us/req  vitrine ${middle(own[into], 1)} us/req  nginx us / own ${middle(ratio, 3)}`,
    );
  }
} finally {
  race.end();
}
