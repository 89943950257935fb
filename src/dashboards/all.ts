/** All dashboards, in the order of the page. */
import { alerts } from './alerts.ts';
import { balancer } from './balancer.ts';
import { cache } from './cache.ts';
import { history } from './history.ts';
import { host } from './host.ts';
import { overview } from './overview.ts';
import type { Dashboard } from './panel.ts';
import { pipeline } from './pipeline.ts';
import { services } from './services.ts';

export const DASHBOARDS: readonly Dashboard[] = [overview, services, cache, balancer, host, history, alerts, pipeline];
