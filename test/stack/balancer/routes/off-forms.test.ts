/** A switch that is written in its off form costs a request nothing: the compiled route does not contain it. */
import path from 'node:path';
import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../../src/base/clock.ts';
import { silentLogger } from '../../../../src/base/logger.ts';
import { balancerSchema } from '../../../../src/stack/balancer/config.ts';
import { configure } from '../../../../src/stack/balancer/configured.ts';
import { routeSchema } from '../../../../src/stack/balancer/options/route-options.ts';
import type { Route } from '../../../../src/stack/balancer/routes/route.ts';
import { allOff, allOn, NO_OFF_FORM } from '../../../support/http/route-switches.ts';
import { freshDir } from '../../../support/program.ts';

const URL = 'http://127.0.0.1:9';
const events = { ejected: () => {}, returned: () => {} };

function routesOf(...routes: readonly object[]): readonly Route[] {
  const made = configure(balancerSchema.parse({ routes }), undefined, {
    clock: systemClock,
    log: silentLogger,
    events,
  });
  made.files.close();
  for (const one of made.upstreams) one.close();
  return made.routes.routes;
}

/** Everything that a request would pass or read. */
const switchesOf = (route: Route) => ({
  guarded: route.guarded,
  factual: route.factual,
  matches: route.matches !== undefined,
  outgoing: route.outgoing !== undefined,
  answers: route.answerEdit !== undefined,
  sticky: route.sticky !== undefined,
  compression: route.compression !== undefined,
  bypass: route.cache?.bypass !== undefined,
  partition: route.cache?.partition !== undefined,
});

describe('switches of a route', () => {
  it('in their off form leave the route as one without switches', () => {
    const [plain] = routesOf({ upstreams: [URL] });
    const [off] = routesOf(allOff(URL));
    expect(switchesOf(off)).toEqual(switchesOf(plain));
    expect(new Set(Object.values(switchesOf(off)))).toEqual(new Set([false]));
  });

  it('that are on are all there', () => {
    const passwords = path.join(freshDir('switches'), 'htpasswd');
    writeFileSync(passwords, 'ana:{SHA}qUqP5cyxm6YcTAhz05Hph5gvu9M=\n');
    const [on] = routesOf(allOn(URL, passwords));
    expect(new Set(Object.values(switchesOf(on)))).toEqual(new Set([true]));
  });

  it('an empty list of clients that are served serves nobody', () => {
    const [nobody] = routesOf({ upstreams: [URL], allow: [] });
    expect(nobody.guarded).toBe(true);
  });

  it('are all in the benchmark, on and off', () => {
    const keys = Object.keys(routeSchema.shape).toSorted();
    expect(Object.keys(allOn(URL, '')).toSorted()).toEqual(keys);
    expect([...Object.keys(allOff(URL)), ...NO_OFF_FORM].toSorted()).toEqual(keys);
  });
});
