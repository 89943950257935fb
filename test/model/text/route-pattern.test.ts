import { describe, expect, it } from 'vitest';
import { routePattern } from '../../../src/model/text/route-pattern.ts';

const told = (path: string, route: string): string => {
  const { pattern, open } = routePattern(path, route);
  return `/${pattern.map((each) => each ?? '*').join('/')}${open ? '/**' : ''}`;
};

describe('the paths of a route', () => {
  it.each([
    // Express, Koa, Fastify, Hono, Nest
    ['/users/bob', '/users/:name', '/users/*'],
    ['/users/me', '/users/me', '/users/me'],
    ['/orgs/acme/members/', '/orgs/:org/members', '/orgs/*/members'],
    ['/a-b', '/:from-:to', '/*'],
    ['/n/5', String.raw`/n/:id(\d+)`, '/n/*'],
    ['/old/a/b', '/old/:rest(.*)', '/old/**'],
    ['/files/a/b/c.txt', '/files/*', '/files/**'],
    ['/files', '/files/*', '/files/**'],
    ['/files/a/b', '/files/{*path}', '/files/**'],
    ['/', '/', '/'],
    // Hapi, Next, Flask
    ['/users/7', '/users/{id}', '/users/*'],
    ['/deep/a/b', '/deep/{rest*}', '/deep/**'],
    ['/items/7', '/items/[id]', '/items/*'],
    ['/shop/a/b', '/shop/[...slug]', '/shop/**'],
    ['/users/7', '/users/<int:id>', '/users/*'],
    // React Router writes no slash at the front.
    ['/users/7', 'users/:id', '/users/*'],
    // Written encoded by the client, decoded by the application
    ['/caf%C3%A9/7', '/café/:id', '/caf%C3%A9/*'],
    // A prefix that the balancer or a mount removes
    ['/api/users/bob', '/users/:id', '/api/users/*'],
    // A regular expression and another text have the paths of the same shape.
    ['/re/9', String.raw`/^\/re\/(\d+)$/`, '/re/*'],
    ['/users/bob', 'UsersController.find', '/users/bob'],
    ['/users/bob/7', '/', '/users/bob/*'],
    ['/1/2/3/4/5/6/7/8/9/10', 'deep', '/*/*/*/*/*/*/*/*/**'],
    ['/assets/app.js', 'static', '/assets/*'],
    ['/%E0%A4/7', '/x/:id', '/*/*'],
  ])('%s, called %s, is %s', (path, route, pattern) => {
    expect(told(path, route)).toBe(pattern);
  });
});
