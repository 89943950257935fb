import { array, assert, constantFrom, nat, property, tuple } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { routePattern } from '../../../../src/model/text/route-pattern.ts';
import { LearnedRoutes } from '../../../../src/stack/balancer/routes/learned-routes.ts';

function learned(...known: readonly (readonly [string, string, string])[]): LearnedRoutes {
  const routes = new LearnedRoutes();
  for (const [method, path, route] of known) routes.learn({ method, route, ...routePattern(path, route) });
  return routes;
}

describe('routes that the application told', () => {
  it('prefers a fixed segment to a parameter, and both to an open end', () => {
    const routes = learned(
      ['GET', '/users/7', '/users/:id'],
      ['GET', '/users/me', '/users/me'],
      ['GET', '/users/7/x/y', '/users/:id/*rest'],
      ['POST', '/users/7', '/users/{id}'],
    );
    expect(routes.size).toBe(4);
    expect(routes.find('GET', '/users/bob')).toBe('/users/:id');
    expect(routes.find('HEAD', '/users/bob/')).toBe('/users/:id');
    expect(routes.find('GET', '/users/me')).toBe('/users/me');
    expect(routes.find('POST', '/users/me')).toBe('/users/{id}');
    expect(routes.find('GET', '/users/me/a/b/c')).toBe('/users/:id/*rest');
    expect(routes.find('GET', '/users')).toBeUndefined();
    expect(routes.find('DELETE', '/users/7')).toBeUndefined();
    expect(learned().find('GET', '/')).toBeUndefined();
  });

  it('replaces a route that was renamed, and knows none where several share a pattern', () => {
    const routes = learned(['GET', '/users/7', '/users/:id']);
    expect(routes.find('GET', '/users/8')).toBe('/users/:id');
    const pattern = ['users', null];
    expect(routes.learn({ method: 'GET', pattern, open: false, route: '/users/:name' })).toBe(true);
    expect(routes.find('GET', '/users/8')).toBe('/users/:name');
    routes.learn({ method: 'GET', pattern, open: false, route: '' });
    expect(routes.find('GET', '/users/8')).toBeUndefined();
    expect(routes.size).toBe(1);
  });

  it('refuses patterns above the limit and goes on with those it has', () => {
    const routes = new LearnedRoutes(3);
    const learn = (id: string, route = `/x/${id}`): boolean =>
      routes.learn({ method: 'GET', pattern: ['x', id], open: false, route });
    expect(['a', 'b', 'c', 'd', 'e'].map((id) => learn(id))).toEqual([true, true, true, false, false]);
    expect(learn('a', '/x/:first')).toBe(true);
    expect(routes.find('GET', '/x/a')).toBe('/x/:first');
    expect(routes.find('GET', '/x/d')).toBeUndefined();
    for (let at = 0; at < 5_000; at += 1) expect(routes.find('GET', `/none/${at}`)).toBeUndefined();
  });

  it('finds a route for every path that it was learned from', () => {
    const segment = constantFrom('a', 'b', 'users', '7', 'x.js');
    const path = array(segment, { minLength: 1, maxLength: 6 }).map((parts) => `/${parts.join('/')}`);
    const template = (of: string, bits: number): string =>
      of.replaceAll(/[^/]+/g, (each, at: number) => ((bits >> (at % 16)) & 1 ? ':p' : each));
    assert(
      property(array(tuple(path, nat(65_535)), { maxLength: 30 }), (all) => {
        const routes = learned(...all.map(([each, bits]) => ['GET', each, template(each, bits)] as const));
        for (const [each] of all) expect(routes.find('GET', each)).toBeDefined();
      }),
    );
  });
});
