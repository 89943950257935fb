/**
 * `GET /api/routes`: the table of routes itself, so that who may ask what can be read, and tried route by route. The
 * Prometheus API and the ways for telemetry have tables of their own.
 */
import type { RoutesAnswer } from './care-contract.ts';
import { roleOf, type Route } from './routes.ts';

/** `all` is asked late: this route is in the table too. The first route of a method and a path is the one that answers. */
export const tableRoutes = (all: () => readonly Route[]): Route[] => [
  {
    method: 'GET',
    path: '/api/routes',
    role: 'admin',
    handler(): RoutesAnswer {
      const first = new Map<string, Route>();
      for (const route of all()) {
        const key = `${route.method} ${route.path}`;
        if (!first.has(key)) first.set(key, route);
      }
      return {
        routes: [...first.values()].map((route) => ({ method: route.method, path: route.path, role: roleOf(route) })),
      };
    },
  },
];
